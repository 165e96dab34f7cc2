package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quintet-eda/quintet/pkg/record"
)

// Producer is where events are published. It has two forms: a broker's, and the
// in-memory log of tests.
type Producer interface {
	// Publish sends a record, in the order of calls for each key. It waits
	// while too much is under way, at most until ctx ends; it does not say
	// whether the record arrived.
	Publish(ctx context.Context, id string, r *record.Record)
	// Acks tells of every record that was published: acknowledged by the
	// broker, or failed for good. It is closed by Close.
	Acks() <-chan Ack
	// Close waits for what is under way and ends the producer.
	Close() error
}

// Ack tells what became of one record.
type Ack struct {
	ID  string
	Err error
}

// ErrRefused is wrapped by an Ack's error when the broker will never take the
// record as it is: its size, or a right that is missing.
var ErrRefused = errors.New("broker refuses the record")

const (
	pageRows     = 500     // of one reading; twice as many may be under way
	pageBytes    = 4 << 20 //
	refusedAgain = time.Minute
	maxDeletes   = 4 * maxInputs // of one batch, so that a long backlog does not make it slow
)

// relay publishes what is committed, and deletes what the broker acknowledged.
//
// Order per key: a row goes out once its predecessor of the same topic and key is
// acknowledged. Handing them to a producer together would not do: one that gives up
// a row goes on with those behind it.
//
//	publish row 7 ─ publish row 8 ─ 7 is refused ─ 8 arrives ─ 7 is published again
//
// A producer that failed is replaced, and what it did not acknowledge is read and
// published again. Consumers absorb the copies.
type relay[S any] struct {
	e       *Engine[S]
	hint    chan struct{}
	backlog atomic.Int64 // rows in the outbox, about
	pace    atomic.Int64 // of them those that may go now, about
	rows    *underWay    // published, and not yet deleted

	mu       sync.Mutex
	flying   map[string]outgoing // rows on their way, by id
	behind   map[lane][]outgoing // lanes with a row on its way, and what was read of them since
	next     []outgoing          // rows that may go now, since the one before them arrived
	acked    []outgoing          // to be deleted
	deleting []outgoing          // by the step that is queued
	queued   bool
	more     bool      // there is more to be read, once something has arrived
	rest     time.Time // no row that was refused is tried again before
	others   bool      // one that was refused has had its turn
}

func newRelay[S any](e *Engine[S]) *relay[S] {
	return &relay[S]{e: e, hint: make(chan struct{}, 1), rows: newUnderWay(), flying: map[string]outgoing{}, behind: map[lane][]outgoing{}}
}

// run publishes until ctx ends, with one producer after the other.
func (r *relay[S]) run(ctx context.Context) {
	for failures := 1; ctx.Err() == nil; failures++ {
		producer, err := r.opened(ctx)
		if err == nil {
			var arrived bool
			if arrived, err = r.session(ctx, producer); arrived {
				failures = 1
			}
			if err != nil {
				r.e.Metrics.rounds.Inc()
			}
		}
		if err != nil && ctx.Err() == nil {
			r.e.Log.Warn("publish: trying again", "error", err)
			r.count(ctx)
		}
		r.e.Turns.pause(ctx, failures, "relay")
	}
}

// opened opens a producer, but does not wait for one longer than ctx: a broker
// that accepts connections and says nothing must not hold up a stop.
func (r *relay[S]) opened(ctx context.Context) (Producer, error) {
	type result struct {
		producer Producer
		err      error
	}
	opened := make(chan result, 1)
	go func() {
		producer, err := r.e.OpenProducer()
		opened <- result{producer, err}
	}()
	select {
	case o := <-opened:
		r.e.Turns.next("log opened", "")
		return o.producer, o.err
	case <-ctx.Done():
		go func() {
			if o := <-opened; o.err == nil {
				_ = o.producer.Close() // nothing was published with it
			}
		}()
		return nil, ctx.Err()
	}
}

// session publishes with one producer, until ctx ends or a record failed for good.
// It reports whether anything arrived.
func (r *relay[S]) session(ctx context.Context, producer Producer) (arrived bool, err error) {
	session, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var refused []refusal
	var reading sync.WaitGroup
	reading.Go(func() {
		for a := range producer.Acks() {
			r.e.Turns.next("result", a.ID)
			switch {
			case a.Err == nil:
				arrived = true
				r.acknowledge(a.ID)
				continue
			case errors.Is(a.Err, ErrRefused):
				arrived = true // the broker answers
				refused = append(refused, refusal{r.published(a.ID), a.Err})
			}
			fail(a.Err)
		}
	})
	r.e.follow(session, "outbox", r.hint, func(ctx context.Context) (time.Time, error) { return time.Time{}, r.look(ctx, producer) })
	err = errors.Join(context.Cause(session), producer.Close())
	if ctx.Err() != nil {
		err = nil
	}
	reading.Wait()
	r.e.Turns.next("round ends", "")
	if err := r.setAside(ctx, refused); err != nil {
		return arrived, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.flying {
		r.rows.end(id)
	}
	for _, waiting := range r.behind {
		r.next = append(r.next, waiting...)
	}
	for _, row := range r.next {
		r.rows.end(row.ID)
	}
	clear(r.flying)
	clear(r.behind)
	r.next = nil
	return arrived, err
}

// A row that was refused keeps those behind it waiting.
var dueRecords = due(outboxRows, `AND NOT EXISTS
	(SELECT 1 FROM outbox h WHERE h.due > 0 AND h.topic = t.topic AND h.key = t.key AND t.key <> '' AND h.n < t.n)`, "t.n")

// look publishes what may go.
func (r *relay[S]) look(ctx context.Context, producer Producer) (err error) {
	under := r.rows.settle()
	read, size, full := 0, 0, under > pageRows // there may be more than is read
	var again []outgoing                       // refused before
	var unreadable []refusal
	if limit := under + pageRows; under <= pageRows {
		err = dueRecords.read(ctx, r.e.DB, r.e.leases, r.until(), limit, func(o *outgoing, _ int64) (enough bool) {
			read++
			if o.due > 0 || r.rows.begin(o.ID, o.Key) { // else it is on its way
				if err := json.Unmarshal([]byte(o.headers), &o.Headers); err != nil {
					r.rows.end(o.ID)
					unreadable = append(unreadable, refusal{*o, fmt.Errorf("headers are not JSON: %w", err)})
					return true // those of its lane come after it is set aside
				} else if o.due > 0 {
					again = append(again, *o)
				} else {
					size += o.Size()
					r.queue(*o)
				}
			}
			full = read >= limit || size >= pageBytes
			return full
		})
		if err != nil {
			return err
		}
		r.e.Turns.next("outbox is read", "")
		if err = r.setAside(ctx, unreadable); err != nil {
			return err
		}
	}
	if _, some := r.e.missing.Load(refusedName); some || full {
		r.count(ctx)
	} else {
		r.backlog.Store(int64(max(read, under)))
	}
	r.pace.Store(int64(max(read, under)))
	for _, row := range r.take(again, full) {
		producer.Publish(ctx, row.ID, &row.Record)
	}
	return nil
}

// until is up to which time rows are read. A row that is refused again ends the
// producer, so for a while after that only rows are read that never were: 0.
func (r *relay[S]) until() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.After(r.rest) {
		return now
	}
	return time.UnixMicro(0)
}
