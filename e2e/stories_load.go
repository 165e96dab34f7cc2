package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// SameKey is many clients that repeat their requests, all at once.
func SameKey() Story {
	const keys, posts, atATime = 200, 20, 8
	return Story{"same key", fmt.Sprintf("%d requests are each sent %d times at once: %d orders come of it.", keys, posts, keys), OnlyURLs, func(ctx context.Context, w *World) error {
		sku, err := w.Shelf(ctx, keys*2)
		if err != nil {
			return err
		}
		orders, errs := make([]string, keys), make([]error, keys)
		var all sync.WaitGroup
		room := make(chan struct{}, atATime)
		for i := range keys {
			room <- struct{}{}
			all.Go(func() {
				defer func() { <-room }()
				orders[i], errs[i] = w.repeat(ctx, w.Basket(sku), w.name("key"), posts)
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		distinct := map[string]bool{}
		for _, order := range orders {
			distinct[order] = true
			if err := w.End(ctx, order, "completed", ""); err != nil {
				return err
			}
		}
		if len(distinct) != keys {
			return fmt.Errorf("%d keys made %d orders", keys, len(distinct))
		}
		return nil
	}}
}

// repeat sends one request many times at once, and returns the order that all answers
// must name. The service must then refuse another body under the same key.
func (w *World) repeat(ctx context.Context, p Placement, key string, times int) (string, error) {
	named, errs := make([]string, times), make([]error, times)
	var all sync.WaitGroup
	for i := range times {
		all.Go(func() {
			errs[i] = Until(ctx, "the order is taken", func(ctx context.Context) (bool, error) {
				var err error
				named[i], err = w.Place(ctx, p, key)
				return err == nil, err
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	for _, order := range named {
		w.acknowledged(order)
		if order != named[0] {
			return "", fmt.Errorf("one key made orders %s and %s", named[0], order)
		}
	}
	p.Lines[0].UnitPrice++
	if _, err := w.Place(ctx, p, key); !refused(err, http.StatusUnprocessableEntity) {
		return "", fmt.Errorf("another order under the same key was answered with %q", fmt.Sprint(err))
	}
	return named[0], nil
}

// Load is a number of customers. Each places one order after the other until Stop,
// whatever happens to the system.
type Load struct {
	placed  atomic.Int64
	stop    func()
	placing sync.WaitGroup

	mu  sync.Mutex
	err error
}

// Customers starts a load on the system. Of ten orders of a customer, one has a declined
// card and one a flaky charge. One goes to a refused country, and one has a charge with
// a lost answer. So orders of many paths through the protocol are in flight together.
func (w *World) Customers(ctx context.Context, customers int) (*Load, error) {
	sku, err := w.Shelf(ctx, 1_000_000)
	if err != nil {
		return nil, err
	}
	l := &Load{}
	open := make(chan struct{})
	l.stop = sync.OnceFunc(func() { close(open) })
	for range customers {
		l.placing.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-open:
					return
				default:
				}
				if err := w.shop(ctx, l, sku, n); err != nil {
					l.fail(err)
					return
				}
			}
		})
	}
	return l, nil
}

// shop places one order. It waits for the end of every fourth one, which bounds how far
// the customers get ahead of the system.
func (w *World) shop(ctx context.Context, l *Load, sku string, n int) error {
	basket := w.Basket(sku)
	switch n % 10 {
	case 3:
		basket.PaymentToken = "tok_declined"
	case 5:
		basket.PaymentToken = "tok_flaky"
	case 6:
		basket.ShippingAddress.Country = "XX"
	case 8:
		basket.PaymentToken = "tok_timeout"
	}
	order, err := w.Insist(ctx, basket)
	if err != nil {
		return err
	}
	l.placed.Add(1)
	if n%4 != 0 {
		return nil
	}
	return Until(ctx, "order "+order+" has ended", func(ctx context.Context) (bool, error) {
		o, err := w.Find(ctx, order, 0)
		return terminal(o.Status), err
	})
}

func (l *Load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(l.err, err)
}

// Further waits until the customers have placed so many more orders.
func (l *Load) Further(ctx context.Context, orders int64) error {
	until := l.placed.Load() + orders
	return Until(ctx, fmt.Sprintf("%d more orders are placed", orders), func(context.Context) (bool, error) {
		return l.placed.Load() >= until, nil
	})
}

// Stop lets the customers finish their current orders, and returns their errors.
func (l *Load) Stop() error {
	l.stop()
	l.placing.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
