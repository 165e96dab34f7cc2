package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// reading is the reading of one partition in one session.
//
// The client reads, and is not believed: whatever it leaves out is read from the
// log itself before anything behind it is handed over. What the log holds there
// and nobody is to be given, the marks of transactions and what was aborted, is
// passed over, and the engine is told. What cannot be read stops the partition.
//
//	client: 1 2 3 ── it steps over a batch it cannot read ── 9     handed over: 1 2 3
//	log:          4 5 6 7 8                                        handed over: 4 5 6 7 8 9
//
// A batch beyond the client fails the whole answer that it comes in, and with it
// every partition of the answer. So the client lets go of such a partition, and
// it is read without the client until the session ends.
type reading struct {
	c      *Consumer
	name   string
	claim  *engine.Assignment
	client sarama.ConsumerGroupClaim
	pause  func() // makes the client let go of the partition
	from   fetcher
	next   atomic.Int64 // the offset to be handed over next
	told   int64        // up to where the engine knows
	alone  bool         // without the client
	still  bool         // as was told
	wake   chan struct{}
}

// look has the partition's log looked at: it goes on and the reading does not,
// or the client complained.
func (r *reading) look() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look
	}
}

// run reads until ctx, which is the session's, ends.
func (r *reading) run(ctx context.Context) error {
	defer r.from.close()
	for !r.alone {
		select {
		case m, open := <-r.client.Messages():
			if !open {
				return nil
			}
			if err := r.take(ctx, m); err != nil {
				return err
			}
		case <-r.wake:
			if err := r.catchUp(ctx); err != nil {
				return err
			}
		case <-r.claim.Fenced():
			return r.overtaken()
		case <-ctx.Done():
			return nil
		}
	}
	go func() {
		for range r.client.Messages() { // all of it is read here too; the session's end closes it
		}
	}()
	for {
		if err := r.readOn(ctx); err != nil {
			return err
		}
	}
}

func (r *reading) overtaken() error { return fmt.Errorf("%w: %s", errOvertaken, r.name) }

// take takes a record that the client read, after everything before it.
func (r *reading) take(ctx context.Context, m *sarama.ConsumerMessage) error {
	if r.next.Load() < m.Offset {
		defer r.from.close() // the next gap may be days away
	}
	for r.next.Load() < m.Offset {
		if err := r.readOn(ctx); err != nil {
			return err
		}
	}
	r.goesOn()
	if m.Offset < r.next.Load() {
		return nil // it was read without the client
	}
	return r.deliver(ctx, toRecord(m))
}

func (r *reading) deliver(ctx context.Context, record *record.Record) error {
	if err := r.c.engine.Enqueue(ctx, r.claim, record); err != nil {
		return err
	}
	r.told = record.Offset + 1
	r.next.Store(r.told)
	return nil
}

// catchUp reads what the client does not bring, until it brings something or
// nothing is left. It does not insist: the client may be able to go on.
func (r *reading) catchUp(ctx context.Context) error {
	defer r.from.close()
	for len(r.client.Messages()) == 0 && !r.alone {
		before := r.next.Load()
		if err := r.page(ctx, 0); err != nil {
			_, err = r.failed(err)
			return err
		}
		if r.next.Load() == before {
			return nil
		}
	}
	return nil
}

// readOn reads a page, trying for as long as the session lasts. It waits a
// while for the log to go on.
func (r *reading) readOn(ctx context.Context) error {
	for {
		select {
		case <-r.claim.Fenced():
			return r.overtaken()
		default:
		}
		err := r.page(ctx, pollTime)
		if err == nil {
			return nil
		}
		delay, err := r.failed(err)
		if err != nil {
			return err
		}
		if !wait(ctx, delay) {
			return ctx.Err()
		}
	}
}

// failed tells why the partition stands still, and after what delay to try
// again. It returns an error if that is of no use in this session.
func (r *reading) failed(err error) (time.Duration, error) {
	cannot := (*unreadable)(nil)
	delay := retryEvery
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, ErrPosition):
		return 0, err
	case errors.As(err, &cannot):
		r.letGo()
		delay = lookAgain
	}
	r.still = true
	r.c.standsStill(r.name, fmt.Errorf("%s stands at %d: %w", r.name, r.next.Load(), err))
	return delay, nil
}

func (r *reading) goesOn() {
	if r.still {
		r.still = false
		r.c.goesOn(r.name)
	}
}

// letGo has the client let go of the partition, once.
func (r *reading) letGo() {
	if !r.alone {
		r.alone = true
		r.pause()
		r.c.log.Warn("the client cannot read a batch; its partition is read without the client", "partition", r.name, "offset", r.next.Load())
	}
}
