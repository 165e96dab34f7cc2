package e2e

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Frozen is one part after the other that answers nothing for a while. Its ports stay
// open, and it continues where it was.
func Frozen(lasting time.Duration) Story {
	return Story{"frozen", fmt.Sprintf("Under load each service, the broker, the registry and the outside world are frozen for %s, one after the other: nothing is lost, nothing happens twice.", lasting), ProcessControl, func(ctx context.Context, w *World) error {
		load, err := w.Customers(ctx, 4)
		if err != nil {
			return err
		}
		for _, part := range append([]string{"broker", "registry", "sandbox"}, serviceNames...) {
			if err = load.Further(ctx, 3); err != nil {
				break
			}
			if err = w.Control.Pause(part); err != nil {
				break
			}
			if err = errors.Join(pass(ctx, lasting), w.Control.Resume(part)); err != nil {
				break
			}
		}
		if err := errors.Join(err, load.Stop()); err != nil {
			return err
		}
		return w.allEnded(ctx)
	}}
}

// PausedPastItsLease is an instance of each service that is frozen past its leases. The
// other instances take over its share of the work.
func PausedPastItsLease() Story {
	const orders = 40 // enough that some are in every share of the work
	return Story{"paused past its lease", fmt.Sprintf("One instance of each service is frozen. %d orders reach their end without it; then it goes on where it was, and does nothing that was not its own any more.", orders), TwoInstances, func(ctx context.Context, w *World) error {
		load, err := w.Customers(ctx, 4)
		if err != nil {
			return err
		}
		if err := load.Further(ctx, 10); err != nil {
			return errors.Join(err, load.Stop())
		}
		var paused []string // with the load's work in flight
		for _, name := range serviceNames {
			paused = append(paused, w.Control.Instances(name)[0])
		}
		if err := together(paused, w.Control.Pause); err != nil {
			return errors.Join(err, load.Stop())
		}
		err = w.many(ctx, orders)
		if err := errors.Join(err, together(paused, w.Control.Resume), load.Stop()); err != nil {
			return err
		}
		return w.allEnded(ctx)
	}}
}

// many places orders, a few at a time, and waits until all have completed.
func (w *World) many(ctx context.Context, orders int) error {
	sku, err := w.Shelf(ctx, 2*orders)
	if err != nil {
		return err
	}
	names := make([]string, orders)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return together(names, func(string) error {
		order, err := w.Insist(ctx, w.Basket(sku))
		if err != nil {
			return err
		}
		return w.End(ctx, order, "completed", "")
	})
}

// DatabaseKilled is a database that ends under load, once killed and once stopped, and
// is started again.
func DatabaseKilled() Story {
	return Story{"database killed", "The database of all services goes away under load. What was acknowledged is there when it is back, and goes its way.", ADatabase, func(ctx context.Context, w *World) error {
		load, err := w.Customers(ctx, 6)
		if err != nil {
			return err
		}
		for _, end := range []func(string) error{w.Control.Kill, w.Control.Terminate} {
			if err = load.Further(ctx, 20); err != nil {
				break
			}
			if err = errors.Join(end("postgres"), w.back(ctx, "postgres")); err != nil {
				break
			}
		}
		if err := errors.Join(err, load.Further(ctx, 10), load.Stop()); err != nil {
			return err
		}
		return w.allEnded(ctx)
	}}
}

// pass waits: the duration is a part of the story here.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
