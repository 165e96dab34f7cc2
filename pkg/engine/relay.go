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

// Producer publishes events. It has two implementations: a broker's, and the
// in-memory log of tests.
type Producer interface {
	// Publish sends a record, in the order of calls for each key. It waits
	// while too much is in flight, at most until ctx ends. It does not report
	// whether the record arrived.
	Publish(ctx context.Context, id string, r *record.Record)
	// Acks reports every published record: acknowledged by the broker, or
	// failed for good. Close closes the channel.
	Acks() <-chan Ack
	// Close waits for the records in flight and ends the producer.
	Close() error
}

// Ack reports the outcome of one record.
type Ack struct {
	ID  string
	Err error
}

// ErrRefused is wrapped by an Ack's error when the broker will never accept the record as
// it is. The reason is its size, or a missing right.
var ErrRefused = errors.New("broker refuses the record")

const (
	pageRows     = 500     // of one reading; twice as many may be under way
	pageBytes    = 4 << 20 //
	refusedAgain = time.Minute
	maxDeletes   = 4 * maxInputs // of one batch, so that a long backlog does not make it slow
)

// relay publishes committed events, and deletes the rows that the broker acknowledged.
//
// Order per key: the relay publishes a row once its predecessor of the same topic and
// key is acknowledged. Handing both to a producer together would break the order. A
// producer that gives up a row goes on with the rows behind it:
//
//	the relay publishes 7 and 8 ─ 7 is refused ─ 8 arrives ─ the relay publishes 7 again
//
// The relay replaces a producer that failed. It reads and publishes the rows without an
// acknowledgement again. Consumers absorb the copies.
type relay[S any] struct {
	e       *Engine[S]
	hint    chan struct{}
	backlog atomic.Int64 // rows in the outbox, about
	pace    atomic.Int64 // of them those that may be published now, about
	rows    *underWay    // read, and not yet deleted

	mu       sync.Mutex
	flying   map[string]outgoing // rows in flight, by id
	behind   map[lane][]outgoing // lanes with a row in next or flying: the rows after it
	next     []outgoing          // rows to publish now, since the one before them arrived
	acked    []outgoing          // to be deleted
	deleting []outgoing          // by the queued step
	queued   bool
	more     bool      // the outbox has more rows to read, once a row has arrived
	rest     time.Time // no refused row is published again before
	others   bool      // a refused row was published last, so the others are next
}

func newRelay[S any](e *Engine[S]) *relay[S] {
	return &relay[S]{e: e, hint: make(chan struct{}, 1), rows: newUnderWay(), flying: map[string]outgoing{}, behind: map[lane][]outgoing{}}
}

// run publishes until ctx ends, with one producer after another.
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

// opened opens a producer, and waits for it at most until ctx ends. A broker that
// accepts connections and never answers must not delay a stop.
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
// It reports whether any record arrived or was refused: the broker answers.
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

// dueRecords selects the rows to publish. A refused row blocks those behind it.
var dueRecords = due(outboxRows, `AND NOT EXISTS
	(SELECT 1 FROM outbox h WHERE h.due > 0 AND h.topic = t.topic AND h.key = t.key AND t.key <> '' AND h.n < t.n)`, "t.n")

// look reads the due rows, and publishes those that may be published now.
func (r *relay[S]) look(ctx context.Context, producer Producer) (err error) {
	under := r.rows.settle()
	read, size, full := 0, 0, under > pageRows // more rows may exist than are read
	var again []outgoing                       // refused before
	var unreadable []refusal
	if limit := under + pageRows; under <= pageRows {
		err = dueRecords.read(ctx, r.e.DB, r.e.leases, r.until(), limit, func(o *outgoing, _ int64) (enough bool) {
			read++
			if o.due > 0 || r.rows.begin(o.ID, o.Key) { // else it is under way
				if err := json.Unmarshal([]byte(o.headers), &o.Headers); err != nil {
					r.rows.end(o.ID)
					unreadable = append(unreadable, refusal{*o, fmt.Errorf("headers are not JSON: %w", err)})
					return true // later rows of its lane are read once it is set aside
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

// until returns the due time up to which rows are read. A row that is refused again
// ends the producer. So for pollEvery after a refusal the relay reads only rows that
// were never refused: their due time is 0.
func (r *relay[S]) until() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.After(r.rest) {
		return now
	}
	return time.UnixMicro(0)
}
