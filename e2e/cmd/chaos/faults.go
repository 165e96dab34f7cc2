package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/quintet-eda/quintet/e2e/compose"
)

// faults kill and freeze instances.
type faults struct {
	stack  *compose.Stack
	every  time.Duration
	frozen time.Duration
	random *rand.Rand

	kills, freezes atomic.Int64
	harms          []harm // written by run, and read when it has returned
}

func newFaults(stack *compose.Stack, args arguments) *faults {
	return &faults{stack: stack, every: args.Every, frozen: args.Frozen, random: rand.New(rand.NewPCG(args.Seed, 0))}
}

// trouble is what a run does to the instances while orders are placed.
type trouble interface {
	run(ctx context.Context, done <-chan struct{}) error // at most until done
	progress() string
	summary() string
}

// run harms one instance after the other, at an interval, until done. It leaves all of
// them running.
func (h *faults) run(ctx context.Context, done <-chan struct{}) error {
	ticks := time.NewTicker(h.every)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if err := h.harm(ctx); err != nil {
				return err
			}
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// harm kills an instance and starts it again a little later. One time in four it freezes
// the instance for a while instead.
func (h *faults) harm(ctx context.Context) error {
	services := h.stack.Parts()[:5]
	instances := h.stack.Instances(services[h.random.IntN(len(services))])
	victim := instances[h.random.IntN(len(instances))]
	hurt, repair, lasting := h.stack.Kill, h.stack.Start, time.Duration(h.random.Int64N(int64(5*time.Second)))
	what, count := killed, &h.kills
	if h.random.IntN(4) == 0 {
		hurt, repair, lasting = h.stack.Pause, h.stack.Resume, h.frozen
		what, count = frozen, &h.freezes
	}
	begun := time.Now()
	if err := hurt(victim); err != nil {
		return err
	}
	h.harms = append(h.harms, harm{what, victim, begun, time.Now()})
	count.Add(1)
	fmt.Fprintf(os.Stdout, "  %s %s for %.1f s\n", victim, what, lasting.Seconds())
	return errors.Join(pass(ctx, lasting), repair(victim))
}

// harmed are all harms to instances, in their order.
func (h *faults) harmed() []harm { return h.harms }

func (h *faults) summary() string {
	return fmt.Sprintf("killed       %d, frozen %d", h.kills.Load(), h.freezes.Load())
}

func (h *faults) progress() string {
	return fmt.Sprintf("%3d killed  %3d frozen", h.kills.Load(), h.freezes.Load())
}
