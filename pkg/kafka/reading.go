package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// reading is the reading of one partition in one session. It skips transaction markers
// and aborted records, and advances the engine's position past them. An unreadable
// batch blocks this partition alone. One goroutine owns a reading at a time: its
// leader's, or the session's.
type reading struct {
	s          *session
	name       string
	assignment *engine.Assignment
	next       int64                                // the next offset to deliver
	told       int64                                // the next offset as last reported to the engine
	more       func() (*record.Record, error, bool) // next record of the page in progress
	stop       func()
	due        time.Time // it rests until then
	since      time.Time // when it was blocked
	still      bool      // readiness names this partition
}

// turn is the number of records of a page that a leader delivers before it serves the
// next partition. A batch of 1 MiB may hold millions.
const turn = 500

// begin starts the delivery of the page in a broker's answer.
func (r *reading) begin(p *kmsg.FetchResponseTopicPartition) {
	r.more, r.stop = iter.Pull2(r.records(p))
}

// end drops the rest of a page. The leader fetches it again.
func (r *reading) end() {
	if r.more != nil {
		r.stop()
		r.more, r.stop = nil, nil
	}
}

// hand delivers up to turn records of the page in progress.
func (r *reading) hand(ctx context.Context) error {
	for range turn {
		record, err, more := r.more()
		if !more {
			r.end()
			r.goesOn()
			return r.advance(ctx)
		}
		if err != nil {
			r.end()
			return cmp.Or(r.advance(ctx), err)
		}
		if err := r.s.c.engine.Enqueue(ctx, r.assignment, record); err != nil {
			return err
		}
		r.next = record.Offset + 1
		r.told = r.next
		r.goesOn()
	}
	return nil
}

// advance reports to the engine the offsets skipped since the last record.
func (r *reading) advance(ctx context.Context) error {
	if r.told == r.next {
		return nil
	}
	r.told = r.next
	return r.s.c.engine.Advance(ctx, r.assignment, r.next)
}

// records yields the records of a page that are to be delivered. It moves next over the
// other offsets, and ends with the first record or batch that cannot be read.
func (r *reading) records(p *kmsg.FetchResponseTopicPartition) iter.Seq2[*record.Record, error] {
	return func(yield func(*record.Record, error) bool) {
		began, aborted := r.next, newAborted(p.AbortedTransactions)
		for raw := p.RecordBatches; len(raw) > 0; {
			b, rest, err := readBatch(raw)
			raw = rest
			if errors.Is(err, errCut) && r.next > began {
				return // the next page begins with it
			}
			drop := false
			if err == nil && b.last >= r.next {
				drop, err = aborted.drops(&b)
			}
			if err != nil {
				yield(nil, r.unreadable(&b, err))
				return
			}
			if b.last < r.next {
				continue // a page begins with the batch that holds its offset
			}
			if b.base > r.next {
				// Compaction removes records, and their offsets with them.
				r.s.c.log.Info("the log does not hold records that it once held", "partition", r.name, "from", r.next, "to", b.base-1)
			}
			for record, err := range b.records() {
				if drop {
					break
				}
				if err != nil {
					yield(nil, r.unreadable(&b, err))
					return
				}
				if record.Offset < r.next {
					continue
				}
				record.Topic, record.Partition = r.assignment.Topic, r.assignment.Partition
				if !yield(record, nil) {
					return
				}
			}
			r.next = b.last + 1
		}
	}
}

// unreadable is returned when a batch of the log cannot be read.
type unreadable struct {
	from, to int64
	err      error
}

func (u *unreadable) Error() string {
	return fmt.Sprintf("offsets %d to %d cannot be read: %v; nothing is stepped over", u.from, u.to, u.err)
}

func (u *unreadable) Unwrap() error { return u.err }

func (r *reading) unreadable(b *batch, err error) error {
	return &unreadable{r.next, max(b.last, r.next), err}
}

// stands notes why a partition has been blocked since the given time, and delays its
// next fetch. Readiness names the partition after a second, so that a broker may
// restart without a report. It names an unreadable batch at once, since waiting does
// not repair it.
func (r *reading) stands(since time.Time, err error) {
	now, rest, patience := time.Now(), retryEvery, time.Second
	if cannot := (*unreadable)(nil); errors.As(err, &cannot) {
		rest, patience = lookAgain, 0
	}
	if r.since.IsZero() {
		r.since = since
	}
	r.due = now.Add(rest)
	if now.Sub(r.since) >= patience {
		r.still = true
		r.s.standsStill(r.name, fmt.Errorf("%s stands at %d: %w", r.name, r.next, err))
	}
}

func (r *reading) goesOn() {
	r.since = time.Time{}
	if r.still {
		r.still = false
		r.s.goesOn(r.name)
	}
}
