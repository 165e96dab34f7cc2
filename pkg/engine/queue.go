package engine

import (
	"context"
	"time"
)

const (
	maxInputs = 500     // of one batch; the bound on its statements follows from it
	maxBytes  = 4 << 20 // of one batch's records
	// idleFor is how long an input that can wait does so for a batch with other
	// inputs. After that it gets a transaction of its own.
	idleFor = 50 * time.Millisecond
	// A busy loop rests for restTimes as long as its batch took, at most restBound.
	restTimes = 4
	restBound = 20 * time.Millisecond
)

// enqueue queues an input for the next batch. It waits while the queue is full, and so
// holds the sources back when the database is slow. It reports false when ctx ended
// first.
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
		// Only a sender that waited for room takes a turn: any other already had one.
		e.Turns.next("put", in.ID)
		return true
	case <-ctx.Done():
		return false
	}
}

// submit queues an input and waits until it is committed. It returns the outcome
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
			// If ctx has ended, the loop still handles the queued inputs.
			e.Turns.await(ctx, nil, timer.C, "rest", "")
			timer.Stop()
		}
	}
}

// restAfter is how long the loop lets inputs gather after a batch. Each transaction has
// a fixed cost. Without a rest, small batches use up the CPU long before the system is
// full. A batch of one is a sign of an idle service. The loop does not rest after it, so
// it adds no latency. At half of the saturated rate this cut commits and latency to a
// third (ADR 3).
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

// gather returns the inputs that arrived while the previous batch was committed; nil
// when ctx ended first. It does not wait for more, except when each of them can wait.
// Then it waits for another input, for idleFor at most.
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

// arrived returns a queued input; nil when there is none. The relay's one step comes
// first. Behind a queue that is always full it would never be handled, and the relay
// would read no further.
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
