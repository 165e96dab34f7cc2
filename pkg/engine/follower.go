package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// A follower does what commits left to be done in one table. There are four of one
// shape: relay (publishes the outbox), calls, timers, and lanes (retries what is
// parked). A follower is woken by a bare hint, reads what is due for the shards
// whose leases this process holds, and begins what it has not begun yet. It knows
// nothing but what is in the table and what is under way here.
//
// It misses nothing. A key's rows become visible in the order of their commits,
// since a batch locks the key until its commit, so the head of the table comes
// next, whichever instance committed it. A lost hint costs pollEvery.
type follower[R any] struct {
	surroundings
	name  string
	query string
	most  int // rows under way at once
	hint  chan struct{}
	rows  *underWay
	// scan reads a row, and tells what it is called, its key, and when it is due.
	scan func(scan scanner, row *R) (id, key string, due int64, err error)
	// begin does what a row is about, or begins it, and calls end once its work
	// has ended and the table says so.
	begin   func(ctx context.Context, row R, end func())
	workers sync.WaitGroup // what begin began
}

// surroundings are what a follower needs of the engine.
type surroundings struct {
	db     *store.DB
	leases *leases
	turns  Turns
	ready  *readiness
	log    *slog.Logger
}

func newFollower[R any](s surroundings, name, query string, most int, scan func(scanner, *R) (string, string, int64, error), begin func(context.Context, R, func())) follower[R] {
	return follower[R]{surroundings: s, name: name, query: query, most: most, scan: scan, begin: begin, hint: make(chan struct{}, 1), rows: newUnderWay()}
}

// pollEvery is how long a follower goes without looking at its table. It bounds
// what a lost hint costs, and a clock that is set forward. One that is set back delays
// what is due by the step.
const pollEvery = 2 * time.Second

// run follows until ctx ends, and waits for what it has begun.
func (f *follower[R]) run(ctx context.Context) {
	defer f.workers.Wait()
	f.follow(ctx, f.name, f.hint, f.look)
}

// look begins what is due. It returns when the first row is that is not due yet.
func (f *follower[R]) look(ctx context.Context) (next time.Time, err error) {
	if f.rows.settle() > f.most*3/4 {
		return next, nil // each that ends is a hint
	}
	type found struct {
		id, key string
		row     R
	}
	var due []found
	now := time.Now()
	err = f.readDue(ctx, f.query, now.Add(pollEvery), f.most, func(scan scanner) (bool, error) {
		var r R
		id, key, at, err := f.scan(scan, &r)
		if at := time.UnixMicro(at); at.After(now) {
			next = at
			return true, err
		}
		due = append(due, found{id, key, r})
		return false, err
	})
	f.turns.next(f.name+" are read", "")
	if err != nil {
		return next, err
	}
	for _, d := range due {
		if f.rows.begin(d.id, d.key) {
			f.begin(ctx, d.row, func() {
				f.rows.end(d.id)
				signal(f.hint)
			})
		}
	}
	return next, nil
}

// follow looks at a table until ctx ends: at each hint, when look says that the
// next row is due, and every pollEvery.
func (s *surroundings) follow(ctx context.Context, name string, hint <-chan struct{}, look func(context.Context) (next time.Time, err error)) {
	delay := s.turns.newDelay()
	for {
		next, err := look(ctx)
		wait := pollEvery
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.ready.set(name, err)
			s.log.Warn("read what is to be done", "follower", name, "error", err)
			wait = delay.NextBackOff()
		default:
			delay.Reset()
			s.ready.clear(name)
			if !next.IsZero() {
				wait = max(0, min(wait, time.Until(next)))
			}
		}
		timer := time.NewTimer(wait)
		why := s.turns.await(ctx, hint, timer.C, name, "")
		timer.Stop()
		if why == ended {
			return
		}
	}
}

// signal hints at something to be done.
func signal(hint chan struct{}) {
	select {
	case hint <- struct{}{}:
	default: // it is awake already, and will look after this
	}
}

// due is the reading of a follower: the rows of table t whose shards' leases are
// held, each with the lease's epoch.
func (t table[R]) due(where, order string) string {
	return `SELECT l.epoch, t.` + strings.Join(t.columns, ", t.") + ` FROM ` + t.name + ` t CROSS JOIN leases l
		WHERE l.shard = t.shard AND CAST(l.shard AS TEXT) || ':' || CAST(l.epoch AS TEXT) IN ({keys}) AND t.due <= ? ` + where + `
		ORDER BY ` + order + ` LIMIT ?`
}

// readDue reads rows that are due until a time, and calls row for each until it
// says that it has enough. A lease that is lost gives no rows.
func (s *surroundings) readDue(ctx context.Context, query string, until time.Time, limit int, row func(scan scanner) (enough bool, err error)) error {
	set := s.leases.set()
	if len(set) == 0 {
		return nil
	}
	rows, err := s.db.Read().QueryContext(ctx, query, store.Keys(set), until.UnixMicro(), limit)
	if err != nil {
		return fmt.Errorf("read due rows: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		enough, err := row(rows.Scan)
		if err != nil {
			return fmt.Errorf("read due rows: %w", err)
		}
		if enough {
			return nil
		}
	}
	return rows.Err()
}

// underWay is what a follower has begun, so that the next reading does not begin
// it again. What has ended is forgotten only before a reading, for an older one may
// still have its row:
//
//	row 7 is read ─ the batch that deletes row 7 commits, and 7 ends ─ what was read is begun
type underWay struct {
	mu    sync.Mutex
	ids   map[string]int // with their shards
	ended []string
	busy  [shards]int // how many have not ended
}

func newUnderWay() *underWay { return &underWay{ids: map[string]int{}} }

// settle forgets what has ended, and returns how many are under way. It comes
// before each reading.
func (u *underWay) settle() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range u.ended {
		delete(u.ids, id)
	}
	u.ended = u.ended[:0]
	return len(u.ids)
}

// begin reports whether a row that was read is to be begun.
func (u *underWay) begin(id, key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, already := u.ids[id]; already {
		return false
	}
	shard := shardOf(key)
	u.ids[id] = shard
	u.busy[shard]++
	return true
}

// end notes that a row's work has ended, as the table says by now.
func (u *underWay) end(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if shard, there := u.ids[id]; there {
		u.busy[shard]--
		u.ended = append(u.ended, id)
	}
}

// quiet reports whether nothing of a shard is under way.
func (u *underWay) quiet(shard int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.busy[shard] == 0
}
