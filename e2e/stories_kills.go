package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Back is how long a killed process took to recover, from its restart on.
type Back struct {
	Service string
	Ready   time.Duration // until /readyz succeeded
	Handled time.Duration // until it had handled its first record
}

// KillEach kills each service -9 so many times, while customers place orders. The order
// and the moments follow from seed. It reports each restart to back.
func KillEach(seed uint64, times int, back func(Back)) Story {
	return Story{"kill -9", fmt.Sprintf("Each service is killed %d times under load: no order is lost, none is handled twice.", times), ProcessControl, func(ctx context.Context, w *World) error {
		random := rand.New(rand.NewPCG(seed, 0))
		var victims []string
		for range times {
			victims = append(victims, serviceNames...)
		}
		random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
		load, err := w.Customers(ctx, 6)
		if err != nil {
			return err
		}
		for _, victim := range victims {
			// The moment is counted in orders, not in time: that is as random, and
			// the same amount of work on any machine.
			if err = load.Further(ctx, 1+random.Int64N(12)); err != nil {
				break
			}
			var b Back
			if b, err = w.killed(ctx, victim); err != nil {
				break
			}
			back(b)
		}
		if err := errors.Join(err, load.Stop()); err != nil {
			return err
		}
		return w.allEnded(ctx)
	}}
}

// killed kills a service and starts it again at once.
func (w *World) killed(ctx context.Context, victim string) (Back, error) {
	b := Back{Service: victim}
	before, err := w.pending(ctx, victim)
	if err != nil {
		return b, err
	}
	if why := before.Unknown["handled"]; why != "" {
		return b, fmt.Errorf("what %s has handled is unknown: %s", victim, why)
	}
	if err := w.Control.Kill(victim); err != nil {
		return b, err
	}
	begun := time.Now()
	if err := w.back(ctx, victim); err != nil {
		return b, err
	}
	b.Ready = time.Since(begun)
	err = Until(ctx, victim+" handles a record again", func(ctx context.Context) (bool, error) {
		p, err := w.pending(ctx, victim)
		return p.Handled > before.Handled, err
	})
	b.Handled = time.Since(begun)
	return b, err
}

// allEnded waits until every order of the story has ended, completed or cancelled.
func (w *World) allEnded(ctx context.Context) error {
	for _, order := range w.Placed() {
		err := Until(ctx, "order "+order+" has ended", func(ctx context.Context) (bool, error) {
			o, err := w.Find(ctx, order, 2*time.Second)
			return terminal(o.Status), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// AllKilled is a machine that fails under load, with every process on it, and starts
// again.
func AllKilled(seed uint64, times int) Story {
	return Story{"everything killed", fmt.Sprintf("Every process, the outside world's too, is killed at once, %d times under load: nothing acknowledged is lost.", times), ProcessControl, func(ctx context.Context, w *World) error {
		random := rand.New(rand.NewPCG(seed, 0))
		load, err := w.Customers(ctx, 6)
		if err != nil {
			return err
		}
		for range times {
			if err = load.Further(ctx, 1+random.Int64N(15)); err != nil {
				break
			}
			parts := w.Control.Parts()
			if err = together(parts, w.Control.Kill); err != nil {
				break
			}
			w.Say("everything is killed")
			if err = errors.Join(together(parts, w.Control.Start), w.Control.WaitReady(ctx)); err != nil {
				break
			}
			w.Say("everything is ready again")
		}
		if err := errors.Join(err, load.Stop()); err != nil {
			return err
		}
		return w.allEnded(ctx)
	}}
}

// BrokerKilled is a broker that ends under load, once killed and once stopped, and is
// started again.
func BrokerKilled() Story {
	return Story{"broker killed", "The broker goes away under load. Orders are taken all the same, and go their way when it is back.", ProcessControl, func(ctx context.Context, w *World) error {
		load, err := w.Customers(ctx, 6)
		if err != nil {
			return err
		}
		for _, end := range []func(string) error{w.Control.Kill, w.Control.Terminate} {
			if err = w.withoutBroker(ctx, load, end); err != nil {
				break
			}
		}
		if err := errors.Join(err, load.Stop()); err != nil {
			return err
		}
		return w.allEnded(ctx)
	}}
}

// withoutBroker ends the broker under load and places an order, which waits in the
// outbox. It starts the broker, and the order must complete.
func (w *World) withoutBroker(ctx context.Context, load *Load, end func(string) error) error {
	if err := load.Further(ctx, 20); err != nil {
		return err
	}
	if err := end("broker"); err != nil {
		return err
	}
	order, err := w.orderWith(ctx, func(*Placement) {})
	if err != nil {
		return err
	}
	if err := w.back(ctx, "broker"); err != nil {
		return err
	}
	return w.End(ctx, order, "completed", "")
}

// together calls do for several parts at once.
func together(parts []string, do func(string) error) error {
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() { errs[i] = do(part) })
	}
	all.Wait()
	return errors.Join(errs...)
}
