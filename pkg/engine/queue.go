package engine

import (
	"context"
	"time"
)

const (
	maxInputs = 500     // of one batch; the bound on its statements follows from it
	maxBytes  = 4 << 20 // of one batch's records
	// idleFor is how long an input that can wait does so for a batch to take it
	// along, before it gets a transaction of its own.
	idleFor = 50 * time.Millisecond
	// A busy loop rests for so many times as long as its batch took, up to a bound.
	restTimes = 4
	restBound = 20 * time.Millisecond
)

// enqueue queues an input for the next batch. It waits while the queue is full,
// which is what holds the sources back when the database is slow. It reports
// false when ctx ended first.
func (e *Engine[S]) enqueue(ctx context.Context, in *input) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case e.inputs <- in:
		return true
	default:
	}
	select {
	case e.inputs <- in:
		e.Turns.next("put", in.ID) // only a sender that waited for room takes a turn: the other had one to come here
		return true
	case <-ctx.Done():
		return false
	}
}

// submit queues an input and waits until it is committed. It returns what became
// of the input, or ctx's error when ctx ended first.
func (e *Engine[S]) submit(ctx context.Context, in *input) (Outcome, error) {
	var became Outcome
	done := make(chan struct{})
	in.committed = func(o Outcome) { became = o; close(done) }
	if !e.enqueue(ctx, in) || !e.Turns.await(ctx, done, nil, "told", in.ID) {
		return "", ctx.Err()
	}
	return became, nil
}

// loop handles batches until ctx ends. A batch that was abandoned is the last: a
// later one would move the positions past it.
func (e *Engine[S]) loop(ctx context.Context) {
	for {
		inputs := e.gather(ctx)
		if inputs == nil || !e.handle(ctx, inputs) {
			return
		}
		if rest := restAfter(inputs, e.took); rest > 0 {
			timer := time.NewTimer(rest)
			e.Turns.await(ctx, nil, timer.C, "rest", "") // if ctx has ended, what is queued is handled still
			timer.Stop()
		}
	}
}

// restAfter is how long the loop lets inputs gather after a batch. Each transaction has
// a fixed cost. Without a rest, small batches use up the CPU long before the system is
// full. A batch of one is a sign of an idle service. It does not rest, so it adds no
// latency. At half of the saturated rate this cut
// commits and latency to a third (ADR 3).
func restAfter(inputs []*input, took time.Duration) time.Duration {
	n := 0
	for _, in := range inputs {
		if !in.canWait {
			n++
		}
	}
	if n < 2 {
		return 0
	}
	return min(restBound, restTimes*took)
}

// gather returns what arrived while the previous batch was committed; nil when ctx
// ended first. It does not wait for more. But what can wait is kept for a batch that takes it along, for
// idleFor.
func (e *Engine[S]) gather(ctx context.Context) (inputs []*input) {
	var late <-chan time.Time
	size, canWait := 0, true
	for len(inputs) < maxInputs && size < maxBytes {
		in := e.arrived()
		if in == nil && !canWait {
			return inputs
		}
		blocked := in == nil
		if blocked {
			if len(inputs) > 0 && late == nil {
				timer := time.NewTimer(idleFor)
				defer timer.Stop()
				late = timer.C
			}
			select {
			case in = <-e.inputs:
			case in = <-e.idle:
			case <-late:
				e.Turns.next("gather", "")
				return inputs
			case <-ctx.Done():
				return nil // records are read again
			}
		}
		if blocked || len(inputs) == 0 {
			e.Turns.next("gather", "")
		}
		inputs = append(inputs, in)
		size += in.cost()
		canWait = canWait && in.canWait
	}
	return inputs
}

// arrived returns an input that is there; nil when there is none. The relay's one step
// comes first: behind a queue that is always full it would never have its turn, and the
// relay would read no further.
func (e *Engine[S]) arrived() *input {
	select {
	case in := <-e.idle:
		return in
	default:
	}
	select {
	case in := <-e.inputs:
		return in
	default:
		return nil
	}
}
