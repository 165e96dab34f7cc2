package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/registry"
)

// running is a service's parts while they run.
type running struct {
	log      *slog.Logger
	consumer *kafka.Consumer

	mu       sync.Mutex
	registry string // why the schemas are not registered; empty when they are
}

func (r *running) missing() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.registry != "" {
		return []string{"registry: " + r.registry}
	}
	return r.consumer.Missing()
}

// run starts the parts. When ctx ends, the HTTP server and the consumer stop; the engine
// stops after both.
func (r *running) run(ctx context.Context, codec *registry.Codec, stop time.Duration, engine func(context.Context, time.Duration), serve func(context.Context) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var serving, reading, working sync.WaitGroup
	serving.Go(func() {
		if err := serve(ctx); err != nil {
			fail(err)
		}
	})
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	// No event can be emitted before the schemas have their ids, so the engine
	// starts only then.
	if err := r.register(ctx, codec); err == nil {
		working.Go(func() { engine(work, stop) })
		reading.Go(func() { r.consumer.Run(ctx) })
		reading.Go(func() { r.registerAgain(ctx, codec) })
	} else {
		fail(err)
	}
	<-ctx.Done()
	r.log.Info("stopping")
	serving.Wait()
	reading.Wait()
	stopWork()
	working.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// register registers the service's schemas, and retries for ever while the registry
// is out of reach. A schema that the registry refuses ends the service: it must not
// publish events that others cannot read.
func (r *running) register(ctx context.Context, codec *registry.Codec) error {
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval = 50*time.Millisecond, time.Second
	for {
		err := codec.Register(ctx)
		if err == nil {
			r.set("")
			return nil
		}
		if !errors.Is(err, registry.ErrUnavailable) || ctx.Err() != nil {
			return fmt.Errorf("register schemas: %w", err)
		}
		r.set(err.Error())
		select {
		case <-time.After(delay.NextBackOff()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *running) set(missing string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.registry = missing
}

// registerAgain repeats the registration. A failure does not make the service unready:
// it can write and read registered schemas without a registry.
func (r *running) registerAgain(ctx context.Context, codec *registry.Codec) {
	pause, away := registerAgain, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		err := codec.Register(ctx)
		if pause = registerAgain; err != nil {
			pause = registerSoon
		}
		if (err != nil) != away && ctx.Err() == nil { // logged once, not twice a second
			if away = err != nil; away {
				r.log.Warn("cannot register schemas again; trying until it works", "error", err)
			} else {
				r.log.Info("schemas registered again")
			}
		}
	}
}
