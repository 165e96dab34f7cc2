package flow

import (
	"context"
	"time"
)

// put queues an input for the next batch. It waits while the queue is full,
// which is what holds the sources back when the database is slow.
func (e *Engine[S]) put(ctx context.Context, in *Input) bool {
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
		e.Turns.next("put", in.ID) // only who waited for room takes a turn: the other had one to come here
		return true
	case <-ctx.Done():
		return false
	}
}

func (e *Engine[S]) loop(ctx context.Context) {
	for {
		batch := e.gather(ctx)
		if batch == nil {
			return
		}
		if !e.handle(ctx, batch) {
			// Abandoned: a later batch must not commit, since it would move
			// the positions past what was abandoned.
			return
		}
	}
}

// gather returns what arrived while the previous batch was committed. It does
// not wait for more: an idle system has batches of one and no added latency.
func (e *Engine[S]) gather(ctx context.Context) []*Input {
	first := e.first(ctx)
	if first == nil {
		return nil
	}
	batch := []*Input{first}
	for size := first.cost(); len(batch) < maxInputs && size < maxBytes; {
		select {
		case in := <-e.inputs:
			batch = append(batch, in)
			size += in.cost()
		default:
			return batch
		}
	}
	return batch
}

// first waits for something to do; nil when ctx ended first. A service that is
// not ready since its database was away has that to do, or it might stay so:
//
//	a command meets the failure ─ its caller gives up ─ the database is back ─ nobody asks a service that is not ready
func (e *Engine[S]) first(ctx context.Context) *Input {
	select {
	case in := <-e.inputs: // under load there is no timer to make
		e.Turns.next("gather", "")
		return in
	default:
	}
	flush := time.NewTimer(flushAfter)
	defer flush.Stop()
	for {
		select {
		case in := <-e.inputs:
			e.Turns.next("gather", "")
			return in
		case <-flush.C:
			if e.relay.acknowledged() || e.trouble.about("database") {
				e.Turns.next("gather", "")
				return &Input{internal: func(*work) {}} // an empty batch takes the deletions along, or finds the database back
			}
			flush.Reset(flushAfter)
		case <-ctx.Done():
			return nil
		}
	}
}
