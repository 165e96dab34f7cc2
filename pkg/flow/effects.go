package flow

import (
	"context"
	"errors"
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
	recovered   bool // read from the table: an earlier process may have made attempts
}

// effects makes the external calls: after the commit that asked for them,
// concurrently across keys, in order per key.
type effects[S any] struct {
	e          *Engine[S]
	performers map[string]Performer
	slots      chan struct{}

	calls   context.Context // outlives the workers' a little, so that a call under way can end well
	mu      sync.Mutex
	queues  map[string][]effectCall // by key; the head is under way
	known   map[string]struct{}
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
		queues: map[string][]effectCall{}, known: map[string]struct{}{}, woken: make(chan struct{}, 1),
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

// add takes over the calls that a committed batch asked for.
func (f *effects[S]) add(calls []effectCall) {
	if len(calls) == 0 || len(f.performers) == 0 {
		return
	}
	f.mu.Lock()
	for _, c := range calls {
		if _, twice := f.known[c.ID]; twice {
			continue
		}
		f.known[c.ID] = struct{}{}
		f.queues[c.Key] = append(f.queues[c.Key], c)
		if len(f.queues[c.Key]) == 1 {
			f.ready = append(f.ready, c.Key)
		}
	}
	f.mu.Unlock()
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// reload reads the calls that are not answered. Whether an earlier process got
// as far as sending them is not known, so their outcome starts as unknown.
func (f *effects[S]) reload(ctx context.Context) error {
	rows, err := f.e.DB.Read().QueryContext(ctx, `SELECT id, key, n, name, body, started, causation, traceparent FROM effects ORDER BY key, n`)
	if err != nil {
		return fmt.Errorf("read effects: %w", err)
	}
	defer rows.Close()
	var calls []effectCall
	for rows.Next() {
		c := effectCall{recovered: true}
		if err := rows.Scan(&c.ID, &c.Key, &c.n, &c.Name, &c.body, &c.started, &c.Causation, &c.traceparent); err != nil {
			return fmt.Errorf("read effects: %w", err)
		}
		calls = append(calls, c)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read effects: %w", err)
	}
	f.add(calls)
	return nil
}

// run starts a worker per key that has a call to make, until ctx ends; then it
// waits for the attempts under way, which may go on until calls ends.
func (f *effects[S]) run(ctx, calls context.Context) {
	f.calls = calls
	defer f.workers.Wait()
	for {
		f.mu.Lock()
		ready := f.ready
		f.ready = nil
		f.mu.Unlock()
		for _, key := range ready {
			f.workers.Go(func() { f.work(ctx, key) })
		}
		select {
		case <-ctx.Done():
			return
		case <-f.woken:
		}
	}
}

// work makes a key's calls one after the other.
func (f *effects[S]) work(ctx context.Context, key string) {
	for {
		f.mu.Lock()
		head := f.queues[key][0]
		f.mu.Unlock()
		if !f.call(ctx, head) {
			return // stopping; the row stays for the next start
		}
		f.mu.Lock()
		delete(f.known, head.ID)
		rest := f.queues[key][1:]
		f.queues[key] = rest
		if len(rest) == 0 {
			delete(f.queues, key)
		}
		f.mu.Unlock()
		if len(rest) == 0 {
			return
		}
	}
}

// call sees one call to its result, and the result into a batch. It reports
// false when ctx ended first.
func (f *effects[S]) call(ctx context.Context, c effectCall) bool {
	p, ok := f.performers[c.Name]
	err := errors.New("nothing performs it")
	var effect any
	if ok {
		effect, err = p.decode(c.body)
	}
	if err != nil {
		// Written by another version of this service. The row, and the calls
		// of its key behind it, wait for one that knows it.
		f.e.Metrics.alarms.WithLabelValues(c.Name).Inc()
		f.e.Log.Error("call cannot be made by this version", "effect", c.Name, "key", c.Key, "id", c.ID, "error", err)
		return false
	}
	in := &Input{
		Kind: KindResult, Name: p.result, ID: c.ID, Key: c.Key, effectID: c.ID,
		Trace: Trace{CausationID: c.Causation, Traceparent: c.traceparent},
	}
	if in.Body = f.attempt(ctx, p, c, effect); in.Body == nil {
		return false
	}
	return f.e.settle(f.calls, in)
}

// settle hands an input to the loop and waits for its commit.
func (e *Engine[S]) settle(ctx context.Context, in *Input) bool {
	_, err := e.tell(ctx, in)
	return err == nil
}
