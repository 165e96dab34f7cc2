package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// unreadable is returned when a batch of the log cannot be read.
type unreadable struct {
	from, to int64
	err      error
}

func (u *unreadable) Error() string {
	return fmt.Sprintf("offsets %d to %d cannot be read: %v; nothing is stepped over", u.from, u.to, u.err)
}

func (u *unreadable) Unwrap() error { return u.err }

// page reads one page of the log, and hands over what it holds.
func (r *reading) page(ctx context.Context, wait time.Duration) error {
	at := r.next.Load()
	p, err := r.from.fetch(ctx, at, wait)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	for raw := p.batches; len(raw) > 0; {
		b, rest, err := readBatch(raw)
		if errors.Is(err, errCut) && r.next.Load() > at {
			break // the next page begins with it
		}
		if err != nil {
			return r.unreadable(&b, err)
		}
		if b.last >= r.next.Load() {
			if err := r.batch(ctx, &b, p.aborted); err != nil {
				return err
			}
		}
		raw = rest
	}
	r.goesOn()
	next := r.next.Load()
	if next == r.told {
		return nil
	}
	r.told = next
	return r.c.engine.Advance(ctx, r.claim, next)
}

// batch hands over a batch, or passes it over.
func (r *reading) batch(ctx context.Context, b *batch, aborted *aborted) error {
	if next := r.next.Load(); b.base > next {
		// Compaction takes records away, and their offsets with them.
		r.c.log.Info("the log does not hold records that it once held", "partition", r.name, "from", next, "to", b.base-1)
	}
	drop, err := aborted.drops(b)
	if err != nil {
		return r.unreadable(b, err)
	}
	if drop {
		r.next.Store(b.last + 1)
		return nil
	}
	beyond, err := b.beyondClient()
	if err != nil {
		return r.unreadable(b, err)
	}
	if beyond {
		r.letGo() // before its records are taken in, which may take long: the other partitions wait for it
	}
	for record, err := range b.records() {
		if err != nil {
			return r.unreadable(b, err)
		}
		if record.Offset < r.next.Load() {
			continue
		}
		record.Topic, record.Partition = r.claim.Topic, r.claim.Partition
		if err := r.deliver(ctx, record); err != nil {
			return err
		}
	}
	r.next.Store(b.last + 1)
	return nil
}

func (r *reading) unreadable(b *batch, err error) error {
	next := r.next.Load()
	return &unreadable{next, max(b.last, next), err}
}
