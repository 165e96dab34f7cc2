package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/quintet-eda/quintet/pkg/store"
)

// handle retries a batch until it is committed. It waits for a database that is out of
// reach. It splits a batch that the database refuses, until the input at fault is alone.
// Then the lane of that input parks, or its command is answered with the error. handle
// reports false when ctx ended first and it abandoned the batch.
//
// When all callers of a batch of commands gave up, handle goes on without them, until
// the database accepts writes. Otherwise only the next input would try the
// database, and a service without traffic would stay "not ready" for ever:
//
//	a command meets the failure ─ its caller gives up ─ the database is back ─
//	no client calls a service that is not ready
func (e *Engine[S]) handle(ctx context.Context, inputs []*input) bool {
	for failures := 1; ; failures++ {
		if inputs = live(inputs); len(inputs) == 0 {
			if _, away := e.missing.Load("database"); !away {
				return true
			}
			inputs = []*input{{control: func(b *batch) { b.out.probe = true }}}
		}
		err := e.transact(inputs)
		switch {
		case err == nil:
			e.missing.Delete("database")
			return true
		case errors.Is(err, store.ErrUnknownOutcome):
			e.Log.Error("commit batch: trying again", "inputs", len(inputs), "error", err)
			inputs = e.outcomeUnknown(inputs)
		case store.Transient(err):
			e.missing.Store("database", err.Error())
			e.Log.Error("batch rolled back; trying again", "inputs", len(inputs), "error", err)
		case len(inputs) > 1:
			return e.split(ctx, inputs)
		case inputs[0].unreadable == nil:
			e.Metrics.refused.Inc()
			inputs[0].unreadable = fmt.Errorf("database refused it: %w", err)
			continue
		default:
			// The database refused the input even when it was only set aside, so
			// the input is not at fault. Going on would skip it. The loop
			// therefore blocks, and Missing reports why.
			e.missing.Store("database", err.Error())
			e.Log.Error("park input", "input", inputs[0].ID, "error", err)
		}
		if !e.Turns.pause(ctx, failures, "loop") {
			e.abandon(inputs)
			return false
		}
	}
}

// split halves a batch that the database refused. The second half waits for the
// first, since its positions come after those of the first.
func (e *Engine[S]) split(ctx context.Context, inputs []*input) bool {
	e.Metrics.split.Inc()
	half := len(inputs) / 2
	if !e.handle(ctx, inputs[:half]) {
		e.abandon(inputs[half:])
		return false
	}
	return e.handle(ctx, inputs[half:])
}

// outcomeUnknown returns the inputs to retry after a commit of unknown outcome. Nothing
// in memory depends on that commit. An input that was committed is refused by its
// position, or finds its row gone. The retry waits for the keys' locks, so it also finds
// a commit that lands late. outcomeUnknown answers each command with ErrOutcomeUnknown.
// It reports to Changed that states may have changed.
func (e *Engine[S]) outcomeUnknown(inputs []*input) (rest []*input) {
	for _, in := range inputs {
		if in.command == nil {
			rest = append(rest, in)
			continue
		}
		in.command.err = ErrOutcomeUnknown
		close(in.command.answer)
	}
	e.Wake() // the commit may have happened
	e.changed(keys(inputs))
	return rest
}

// abandon answers the commands of a batch that will not be handled any more.
func (e *Engine[S]) abandon(inputs []*input) {
	for _, in := range inputs {
		if in.command != nil {
			in.command.err = ErrUnavailable
			close(in.command.answer)
		}
	}
}

// live leaves out commands whose callers have given up.
func live(inputs []*input) []*input {
	rest := inputs[:0:0]
	for _, in := range inputs {
		if in.command == nil || !in.command.left() {
			rest = append(rest, in)
		}
	}
	return rest
}
