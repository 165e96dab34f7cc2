package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quintet-eda/quintet/e2e"
)

// buyers are customers. Each places one order after the other. They are so many that
// some continue while others wait for a frozen instance. Without a time over which the
// orders are spread, fewer keep the system as busy as it can be.
type buyers struct {
	world  *e2e.World
	orders int
	over   time.Duration
	seed   uint64
	many   int

	next     atomic.Int64
	placed   atomic.Int64
	requests requests
}

func newBuyers(w *e2e.World, args arguments) *buyers {
	b := &buyers{world: w, orders: args.Orders, over: args.For, seed: args.Seed, many: 256}
	w.Attempted = b.requests.attempted
	switch {
	case b.over == 0:
		b.many = 32
	case args.Before != "":
		b.many = 64 // no instance is frozen; each buyer still finishes its order when there are enough
	}
	return b
}

// run places all orders and returns when each is acknowledged.
func (b *buyers) run(ctx context.Context) error {
	full, err := b.world.Shelf(ctx, 2*b.orders)
	if err != nil {
		return err
	}
	empty, err := b.world.Shelf(ctx, 1) // one piece, and every order is for two
	if err != nil {
		return err
	}
	begun := time.Now()
	errs := make([]error, b.many)
	var all sync.WaitGroup
	for i := range b.many {
		all.Go(func() { errs[i] = b.buy(ctx, begun, full, empty) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// enough stops the buyers from beginning further orders.
func (b *buyers) enough() { b.next.Store(int64(b.orders)) }

// buy places orders while there are some left, each when its time has come.
func (b *buyers) buy(ctx context.Context, begun time.Time, full, empty string) error {
	for {
		n := int(b.next.Add(1)) - 1
		if n >= b.orders {
			return nil
		}
		if err := pass(ctx, time.Until(begun.Add(b.over*time.Duration(n)/time.Duration(b.orders)))); err != nil {
			return err
		}
		random := rand.New(rand.NewPCG(b.seed, uint64(n)+1))
		if err := b.one(ctx, random, full, empty); err != nil {
			return fmt.Errorf("order number %d: %w", n, err)
		}
	}
}

// one places one order of a random kind.
func (b *buyers) one(ctx context.Context, random *rand.Rand, full, empty string) error {
	basket := b.world.Basket(full)
	cancelled, delayed := false, false
	switch kind := random.IntN(100); {
	case kind < 10:
		basket.PaymentToken = "tok_declined"
	case kind < 18:
		basket.Lines[0].SKU = empty
	case kind < 26:
		basket.ShippingAddress.Country = "XX" // the carrier refuses
	case kind < 30:
		basket.PaymentToken = "tok_flaky"
		delayed = true
	case kind < 33:
		basket.PaymentToken = "tok_timeout"
		delayed = true
	case kind < 36:
		basket.ShippingAddress.Country = "XT" // booked, and the answer is lost
		delayed = true
	case kind < 51:
		cancelled = true
	}
	begun := time.Now()
	order, err := b.world.Insist(ctx, basket)
	if err != nil {
		return err
	}
	b.placed.Add(1)
	b.requests.placed(order, time.Since(begun), delayed)
	if !cancelled {
		return nil
	}
	if err := pass(ctx, time.Duration(random.Int64N(int64(2*time.Second)))); err != nil {
		return err
	}
	begun = time.Now()
	if err := b.world.InsistOnCancelling(ctx, order); err != nil {
		return err
	}
	b.requests.cancelled(time.Since(begun))
	return nil
}

// pass waits for d, and not at all if d is not positive.
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
