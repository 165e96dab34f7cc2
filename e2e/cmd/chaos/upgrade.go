package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quintet-eda/quintet/e2e/compose"
)

// upgrade replaces every instance of the version before by a current one, one by one and
// under load. Then it goes back the same way, and forward again. On each way, while every
// service runs in both versions, it kills one instance of each version.
type upgrade struct {
	stack  *compose.Stack
	buyers *buyers
	random *rand.Rand
	ready  time.Duration // how long an instance may take to be ready
	pause  time.Duration // how long one version runs alone, each time; at most so long a killed instance stays down

	replaced, kills atomic.Int64
	stages          []stage // written by run, and read when it has returned
}

// stage is the versions that run, since a moment.
type stage struct {
	name  string
	since time.Time
}

func newUpgrade(stack *compose.Stack, b *buyers, args arguments) *upgrade {
	u := &upgrade{stack: stack, buyers: b, random: rand.New(rand.NewPCG(args.Seed, 0)), ready: readyBound, pause: args.Every}
	u.begin(wasAlone)
	return u
}

// readyBound is how long an instance may take to start while all others work.
const readyBound = 2 * time.Minute

// run goes forward, back and forward, and then stops the buyers.
func (u *upgrade) run(ctx context.Context, _ <-chan struct{}) error {
	defer u.buyers.enough()
	before, now := u.stack.InstancesBefore, u.stack.Instances
	for _, way := range []struct {
		name     string
		begins   string
		from, to func(string) []string
	}{{"forward", wasAlone, before, now}, {"back", isAlone, now, before}, {"forward again", wasAlone, before, now}} {
		fmt.Fprintf(os.Stdout, "  %s\n", way.name)
		u.begin(way.begins)
		if err := pass(ctx, u.pause); err != nil {
			return err
		}
		u.begin(mixed)
		instances := len(way.from("order"))
		for i := range instances {
			if err := u.replace(ctx, i, way.from, way.to); err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			if i+1 < instances {
				if err := errors.Join(u.kill(ctx, way.from, i+1), u.kill(ctx, way.to, i)); err != nil {
					return fmt.Errorf("%s: %w", way.name, err)
				}
			}
		}
	}
	u.begin(isAlone)
	return pass(ctx, u.pause)
}

// The versions that run in a stage.
const (
	wasAlone = "the version before"
	mixed    = "both"
	isAlone  = "this version"
)

func (u *upgrade) begin(name string) { u.stages = append(u.stages, stage{name, time.Now()}) }

// stage is the name of the stage at a moment.
func (u *upgrade) stage(at time.Time) (name string) {
	for _, s := range u.stages {
		if !at.Before(s.since) {
			name = s.name
		}
	}
	return name
}

// replace starts one instance of each service and ends another, all services at
// once.
func (u *upgrade) replace(ctx context.Context, i int, from, to func(string) []string) error {
	ctx, cancel := context.WithTimeout(ctx, u.ready)
	defer cancel()
	services := u.stack.Parts()[:5]
	errs := make([]error, len(services))
	var all sync.WaitGroup
	for n, service := range services {
		all.Go(func() {
			errs[n] = u.stack.Start(to(service)[i])
			if errs[n] == nil {
				errs[n] = u.stack.WaitReady(ctx, to(service)[i])
			}
			if errs[n] == nil {
				errs[n] = u.stack.Terminate(from(service)[i])
			}
			u.replaced.Add(1)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// kill ends an instance of any service as kill -9 does, and starts it again after a
// random pause. Its leases may not have expired by then.
func (u *upgrade) kill(ctx context.Context, of func(string) []string, i int) error {
	services := u.stack.Parts()[:5]
	victim := of(services[u.random.IntN(len(services))])[i]
	if err := u.stack.Kill(victim); err != nil {
		return err
	}
	u.kills.Add(1)
	lasting := time.Duration(u.random.Int64N(int64(u.pause)))
	fmt.Fprintf(os.Stdout, "  %s killed for %.1f s\n", victim, lasting.Seconds())
	return errors.Join(pass(ctx, lasting), u.stack.Start(victim))
}

func (u *upgrade) summary() string {
	return fmt.Sprintf("replaced     %d instances, forward, back and forward; %d killed in between", u.replaced.Load(), u.kills.Load())
}

func (u *upgrade) progress() string {
	return fmt.Sprintf("%3d replaced  %3d killed", u.replaced.Load(), u.kills.Load())
}
