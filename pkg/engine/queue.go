package engine

import (
	"context"
	"time"
)

const (
	maxInputs = 500     // of one batch; the bound on its statements follows from it
	maxBytes  = 4 << 20 // of one batch's records
	// idleFor is how long a step that can wait waits for a batch to take it
	// along, before it gets a transaction of its own.
	idleFor = 50 * time.Millisecond
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
	became := make(chan Outcome, 1)
	in.committed = func(o Outcome) { became <- o }
	if !e.enqueue(ctx, in) {
		return "", ctx.Err()
	}
	select {
	case o := <-became:
		e.Turns.next("told", in.ID)
		return o, nil
	default:
	}
	select {
	case o := <-became:
		e.Turns.next("told", in.ID)
		return o, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// loop handles batches until ctx ends. A batch that was abandoned is the last: a
// later one would move the positions past it.
func (e *Engine[S]) loop(ctx context.Context) {
	for {
		inputs := e.gather(ctx)
		if inputs == nil || !e.handle(ctx, inputs) {
			return
		}
	}
}

// gather returns what arrived while the previous batch was committed. It does
// not wait for more: an idle system has batches of one and no added latency.
func (e *Engine[S]) gather(ctx context.Context) []*input {
	inputs := e.first(ctx)
	if inputs == nil {
		return nil
	}
	size := 0
	for _, in := range inputs {
		size += in.cost()
	}
	for len(inputs) < maxInputs && size < maxBytes {
		select {
		case in := <-e.inputs:
			inputs = append(inputs, in)
			size += in.cost()
			continue
		default:
		}
		select {
		case in := <-e.idle:
			inputs = append(inputs, in)
		default:
			return inputs
		}
	}
	return inputs
}

// first waits for something to do; nil when ctx ended first. A step that can
// wait has a batch of its own only if nothing else comes.
func (e *Engine[S]) first(ctx context.Context) []*input {
	select {
	case in := <-e.inputs:
		e.Turns.next("gather", "")
		return []*input{in}
	default:
	}
	if ctx.Err() != nil {
		return nil
	}
	select {
	case in := <-e.inputs:
		e.Turns.next("gather", "")
		return []*input{in}
	case step := <-e.idle:
		wait := time.NewTimer(idleFor)
		defer wait.Stop()
		select {
		case in := <-e.inputs:
			e.Turns.next("gather", "")
			return []*input{in, step}
		case <-wait.C:
			e.Turns.next("gather", "")
			return []*input{step}
		case <-ctx.Done():
			return nil
		}
	case <-ctx.Done():
		return nil
	}
}
