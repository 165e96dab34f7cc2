package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/quintet-eda/quintet/pkg/store"
)

// handle sees a batch to its end. A database that is out of reach is waited
// for; a batch that the database refuses is split until the input at fault is
// alone, and its lane parks, or its command is answered with the error. It
// reports false when ctx ended first and the batch was abandoned.
func (e *Engine[S]) handle(ctx context.Context, batch []*Input) bool {
	delay := e.Turns.newDelay()
	for {
		batch = live(batch)
		if len(batch) == 0 {
			return true
		}
		err := e.transact(batch)
		switch {
		case err == nil:
			e.trouble.clear("database")
			return true
		case errors.Is(err, store.ErrUnknownOutcome):
			e.Log.Error("commit of a batch ended unknown; reading everything again", "inputs", len(batch), "error", err)
			batch = e.forget(ctx, batch)
		case store.Transient(err):
			e.trouble.set("database", err)
			e.Log.Error("batch rolled back; trying again", "inputs", len(batch), "error", err)
		case len(batch) > 1:
			return e.bisect(ctx, batch)
		case batch[0].unreadable == nil:
			e.Metrics.refused.Inc()
			batch[0].unreadable = fmt.Errorf("database refused it: %w", err)
			continue
		default:
			// Already set aside, and refused even so: that is no fault of
			// the input. Going on would skip it, so the service stands still
			// and says why.
			e.trouble.set("database", err)
			e.Log.Error("database refuses to park an input", "input", batch[0].ID, "error", err)
		}
		if !e.Turns.pause(ctx, delay, "loop") {
			e.abandon(batch)
			return false
		}
	}
}

// bisect halves a batch that the database refused. The second half waits for
// the first: its positions lie behind.
func (e *Engine[S]) bisect(ctx context.Context, batch []*Input) bool {
	e.Metrics.bisected.Inc()
	half := len(batch) / 2
	if !e.handle(ctx, batch[:half]) {
		e.abandon(batch[half:])
		return false
	}
	return e.handle(ctx, batch[half:])
}

// forget drops what is in memory after a commit whose outcome is unknown. The
// inputs stay: those that were committed will be found in the inbox, or their
// rows gone. Waiting commands are told that their outcome is unknown, and Changed
// that states may have changed.
func (e *Engine[S]) forget(ctx context.Context, batch []*Input) []*Input {
	var rest []*Input
	for _, in := range batch {
		if in.command == nil {
			rest = append(rest, in)
			continue
		}
		in.command.err = ErrUnknown
		close(in.command.answer)
	}
	e.readBack(ctx)
	e.follow.changed(Keys(reacting(batch))) // perhaps; a retry that finds it done tells of nothing
	return rest
}

// abandon answers the commands of a batch that will not be handled any more.
func (e *Engine[S]) abandon(batch []*Input) {
	for _, in := range batch {
		if in.command != nil {
			in.command.err = ErrBusy
			close(in.command.answer)
		}
	}
}

// live leaves out commands whose callers have given up.
func live(batch []*Input) []*Input {
	rest := batch[:0:0]
	for _, in := range batch {
		if in.command == nil || !in.command.left() {
			rest = append(rest, in)
		}
	}
	return rest
}
