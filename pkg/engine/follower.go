package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// follower does the work that commits recorded in one table. It misses no row. A batch
// locks a key until its commit, so a key's rows become visible in the order of their
// commits. The head of the table therefore comes next, whichever instance committed it.
// A lost hint costs pollEvery.
type follower[S, R any] struct {
	e    *Engine[S]
	name string
	due  dueRows[R]
	most int // rows in flight at once
	hint chan struct{}
	rows *underWay
	// about returns a row's id, its key, and the time when it is due.
	about func(row *R) (id, key string, due int64)
	// begin does a row's work under the epoch of its shard's lease, or starts it. It
	// calls end once the work has ended and the table shows that.
	begin   func(ctx context.Context, row R, epoch int64, end func())
	workers sync.WaitGroup // the goroutines that begin started
}

func newFollower[S, R any](e *Engine[S], name string, due dueRows[R], most int, about func(*R) (string, string, int64), begin func(context.Context, R, int64, func())) follower[S, R] {
	return follower[S, R]{e: e, name: name, due: due, most: most, about: about, begin: begin, hint: make(chan struct{}, 1), rows: newUnderWay()}
}

// pollEvery is how long a follower waits, without a hint, between two readings of its
// table. It bounds the delay after a lost hint, or after the clock is set forward. A
// clock that is set back delays the due rows by the step.
const pollEvery = 2 * time.Second

// restMost bounds the rest after a reading, which is four times as long as the reading.
// However many hints arrive, readings of up to a quarter of restMost take at most a
// fifth of the time.
const restMost = 50 * time.Millisecond

// run follows the table until ctx ends, and waits for the workers.
func (f *follower[S, R]) run(ctx context.Context) {
	defer f.workers.Wait()
	f.e.follow(ctx, f.name, f.hint, f.look)
}

// look begins the rows that are due. It returns the time when the next row is due, if
// that is within pollEvery.
func (f *follower[S, R]) look(ctx context.Context) (next time.Time, err error) {
	if f.rows.settle() > f.most*3/4 {
		return next, nil // each row that ends sends a hint
	}
	type found struct {
		row   *R
		epoch int64
	}
	var due []found
	now := time.Now()
	err = f.due.read(ctx, f.e.DB, f.e.leases, now.Add(pollEvery), f.most, func(r *R, epoch int64) (enough bool) {
		if _, _, at := f.about(r); time.UnixMicro(at).After(now) {
			next = time.UnixMicro(at)
			return true
		}
		due = append(due, found{r, epoch})
		return false
	})
	f.e.Turns.next(f.name+" are read", "")
	if err != nil {
		return next, err
	}
	for _, d := range due {
		if id, key, _ := f.about(d.row); f.rows.begin(id, key) {
			f.begin(ctx, *d.row, d.epoch, func() {
				f.rows.end(id)
				signal(f.hint)
			})
		}
	}
	return next, nil
}

// follow calls look until ctx ends: at each hint, at the time that look returned, and
// every pollEvery.
func (e *Engine[S]) follow(ctx context.Context, name string, hint <-chan struct{}, look func(context.Context) (next time.Time, err error)) {
	defer e.missing.Delete(name)
	failures := 0
	for {
		began := time.Now()
		next, err := look(ctx)
		rest := time.NewTimer(min(restMost, 4*time.Since(began)))
		goesOn := e.Turns.await(ctx, nil, rest.C, name, "")
		rest.Stop()
		wait := pollEvery
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.missing.Store(name, err.Error())
			e.Log.Warn("read what is to be done", "follower", name, "error", err)
			failures++
			wait = e.Turns.backoff(failures)
		default:
			failures = 0
			e.missing.Delete(name)
			if !next.IsZero() {
				wait = max(0, min(wait, time.Until(next)))
			}
		}
		timer := time.NewTimer(wait)
		goesOn = goesOn && e.Turns.await(ctx, hint, timer.C, name, "")
		timer.Stop()
		if !goesOn {
			return
		}
	}
}

// signal sends a hint, and does not wait.
func signal(hint chan struct{}) {
	select {
	case hint <- struct{}{}:
	default: // a hint is pending, and its look comes after this
	}
}

// readTime bounds one reading, so that a follower gives up a connection to a database
// that no longer answers.
const readTime = 10 * time.Second

// dueRows is a follower's query for the rows of a table that are due and whose shards'
// leases are held, each with the lease's epoch.
type dueRows[R any] struct {
	fields        func(*R) []any
	shared, alone string
}

// due returns a follower's query of a table. A process alone with its database holds
// every lease, so its query does not read them.
func due[R any](t store.Table[R], where, order string) dueRows[R] {
	columns := `t.` + strings.Join(t.Columns, ", t.") + ` FROM ` + t.Name + ` t`
	rest := ` t.due <= ? ` + where + ` ORDER BY ` + order + ` LIMIT ?`
	return dueRows[R]{
		fields: t.Fields,
		alone:  `SELECT 0, ` + columns + ` WHERE` + rest,
		shared: `SELECT l.epoch, ` + columns + ` CROSS JOIN leases l
			WHERE l.shard = t.shard AND CAST(l.shard AS TEXT) || ':' || CAST(l.epoch AS TEXT) IN ({keys}) AND` + rest,
	}
}

// read reads the rows that are due until a time, and calls row for each of them, until
// row reports that it has enough. A shard whose lease is lost gives no rows.
func (d dueRows[R]) read(ctx context.Context, db *store.DB, leases *leases, until time.Time, limit int, row func(r *R, epoch int64) (enough bool)) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	held := leases.set()
	if len(held) == 0 {
		return nil
	}
	query, args := d.alone, []any{until.UnixMicro(), limit}
	if db.Shared() {
		query, args = d.shared, append([]any{store.Keys(held)}, args...)
	}
	rows, err := db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read due rows: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var epoch int64
		r := new(R)
		if err := rows.Scan(append([]any{&epoch}, d.fields(r)...)...); err != nil {
			return fmt.Errorf("read due rows: %w", err)
		}
		if row(r, epoch) {
			return nil
		}
	}
	return rows.Err()
}
