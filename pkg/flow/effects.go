package flow

import (
	"context"
	"fmt"
	"sync"
)

// effectCall is a row of the effects table.
type effectCall struct {
	ID, Key, Name, Causation string

	n           int64
	body        string
	traceparent string
	started     bool
	recovered   bool  // read from the table: another process may have made attempts
	epoch       int64 // of the lease under which this process makes the call
}

// calls are those of one key. A queue that is dropped is not this process's any
// more; its worker ends after the attempt under way.
type calls struct {
	list    []effectCall // the head is under way
	stop    context.CancelFunc
	dropped bool
}

// effects makes the external calls: after the commit that asked for them,
// concurrently across keys, in order per key.
type effects[S any] struct {
	e          *Engine[S]
	performers map[string]Performer
	slots      chan struct{}

	calls   context.Context // outlives the workers' a little, so that a call under way can end well
	mu      sync.Mutex
	queues  map[string]*calls // by key
	known   map[string]struct{}
	busy    [shards]int // workers
	gone    departed
	ready   []string // keys whose head waits for a worker
	woken   chan struct{}
	workers sync.WaitGroup
}

// concurrentCalls bounds the attempts under way. They wait on others, not on
// this machine, so there may be many more of them than cores. A call that
// waits for its next attempt holds no slot.
const concurrentCalls = 256

func newEffects[S any](e *Engine[S], ps []Performer) (*effects[S], error) {
	f := &effects[S]{
		e: e, performers: map[string]Performer{}, slots: make(chan struct{}, concurrentCalls),
		queues: map[string]*calls{}, known: map[string]struct{}{}, woken: make(chan struct{}, 1),
	}
	for _, p := range ps {
		if r, ok := e.table[p.result]; !ok || r.callName() != p.effect {
			return nil, fmt.Errorf("participant %s does not react to %s as the result of %s", e.Participant.Service, p.result, p.effect)
		}
		if p.endless && (p.policy.Attempts > 0 || p.policy.Elapsed > 0 || p.policy.AtMostOnce) {
			return nil, fmt.Errorf("participant %s bounds its attempts of %s, and has no result for when they are spent", e.Participant.Service, p.effect)
		}
		f.performers[p.effect] = p
	}
	for _, r := range e.Participant.Reactions {
		if ps == nil {
			break // nobody makes the calls; Answer hands in their results
		}
		for _, effect := range names(r.does) {
			if _, ok := f.performers[effect]; !ok {
				return nil, fmt.Errorf("participant %s does %s, and nothing performs it", e.Participant.Service, effect)
			}
		}
	}
	return f, nil
}

// add takes over the calls that a committed batch asked for, under a lease.
func (f *effects[S]) add(cs []effectCall, epoch int64) {
	if len(cs) == 0 || len(f.performers) == 0 {
		return
	}
	f.mu.Lock()
	for _, c := range cs {
		if _, twice := f.known[c.ID]; twice || f.gone.has(c.ID) {
			continue
		}
		c.epoch = epoch
		f.known[c.ID] = struct{}{}
		q := f.queues[c.Key]
		if q == nil {
			q = &calls{}
			f.queues[c.Key] = q
		}
		if q.list = append(q.list, c); len(q.list) == 1 {
			f.ready = append(f.ready, c.Key)
		}
	}
	f.mu.Unlock()
	signal(f.woken)
}

// drop forgets the calls of keys that this process does not hold any more. A
// call under way goes on to the end of its attempt.
func (f *effects[S]) drop(holds func(key string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, q := range f.queues {
		if holds(key) {
			continue
		}
		q.dropped = true
		for _, c := range q.list {
			delete(f.known, c.ID)
		}
		if q.stop != nil {
			q.stop()
		}
		delete(f.queues, key)
	}
}

// reading tells that rows are being read which will be added.
func (f *effects[S]) reading(begins bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if begins {
		f.gone.begin()
	} else {
		f.gone.end()
	}
}

func (f *effects[S]) knows(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, known := f.known[id]
	return known
}

// quiet reports whether no call of a shard is under way.
func (f *effects[S]) quiet(shard int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy[shard] == 0
}

// reload reads the calls that are not answered.
func (f *effects[S]) reload(ctx context.Context) error {
	cs, err := f.rows(ctx, ``)
	f.add(cs, 1)
	return err
}

// rows reads the calls of a condition. Whether another process got as far as
// sending them is not known, so their outcome starts as unknown.
func (f *effects[S]) rows(ctx context.Context, where string, args ...any) ([]effectCall, error) {
	rows, err := f.e.DB.Read().QueryContext(ctx, `SELECT id, key, n, name, body, started, causation, traceparent FROM effects`+where+` ORDER BY key, n`, args...)
	if err != nil {
		return nil, fmt.Errorf("read effects: %w", err)
	}
	defer rows.Close()
	var found []effectCall
	for rows.Next() {
		c := effectCall{recovered: true}
		if err := rows.Scan(&c.ID, &c.Key, &c.n, &c.Name, &c.body, &c.started, &c.Causation, &c.traceparent); err != nil {
			return nil, fmt.Errorf("read effects: %w", err)
		}
		found = append(found, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read effects: %w", err)
	}
	return found, nil
}

// run starts a worker per key that has a call to make, until ctx ends; then it
// waits for the attempts under way, which may go on until calls ends.
func (f *effects[S]) run(ctx, calls context.Context) {
	f.calls = calls
	defer f.workers.Wait()
	for {
		f.mu.Lock()
		for _, key := range f.ready {
			q := f.queues[key]
			if q == nil || q.stop != nil {
				continue // dropped meanwhile; or dropped, and asked for again
			}
			var working context.Context
			working, q.stop = context.WithCancel(ctx)
			f.busy[shardOf(key)]++
			f.workers.Go(func() {
				f.e.Turns.next("call", key)
				defer f.left(key)
				f.work(working, key, q)
			})
		}
		f.ready = nil
		f.mu.Unlock()
		if f.e.Turns.await(ctx, f.woken, nil, "calls", "") == ended {
			return
		}
	}
}

func (f *effects[S]) left(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy[shardOf(key)]--
}

// work makes a key's calls one after the other.
func (f *effects[S]) work(ctx context.Context, key string, q *calls) {
	defer q.stop()
	for {
		f.mu.Lock()
		if q.dropped {
			f.mu.Unlock()
			return
		}
		head := q.list[0]
		f.mu.Unlock()
		if !f.call(ctx, head) {
			return // stopping; the row stays for the next start
		}
		f.mu.Lock()
		if !q.dropped {
			delete(f.known, head.ID)
			f.gone.note(head.ID)
			if q.list = q.list[1:]; len(q.list) == 0 {
				delete(f.queues, key)
				q.dropped = true
			}
		}
		f.mu.Unlock()
	}
}
