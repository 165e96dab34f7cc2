package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// transactTime bounds one transaction. The stop of the service does not cut it short: a
// batch that was begun is committed, so that the stop is clean.
const transactTime = 30 * time.Second

// transact is the loop's one transaction: load, fold, write, commit. The tables hold
// all follow-up work by then.
func (e *Engine[S]) transact(inputs []*input) error {
	ctx, cancel := context.WithTimeout(context.Background(), transactTime)
	defer cancel()
	began := time.Now()
	b := newBatch(began.UTC().Truncate(time.Microsecond), inputs)
	tx, err := e.DB.Begin(ctx)
	if err != nil {
		return err
	}
	if err := e.try(ctx, tx, b); err != nil {
		tx.Rollback(err)
		undo(inputs)
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		// Otherwise the batch keeps the commands, and outcomeUnknown answers them.
		if !errors.Is(err, store.ErrUnknownOutcome) {
			undo(inputs)
		}
		return err
	}
	e.took = time.Since(began)
	e.Metrics.committed(b, e.took)
	e.Turns.next("committed", "")
	e.onCommitted(b)
	return nil
}

// try runs the steps of a batch before its commit. A store that panics does so over
// one of the inputs. handle isolates that input like one that the database refuses.
func (e *Engine[S]) try(ctx context.Context, tx *store.Tx, b *batch) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store of %s panicked: %v", e.Participant.Service, p)
		}
	}()
	b.load(tx)
	// An input that only parks must not fail over its state again.
	states, err := e.Store.Load(ctx, tx, reacting(b.inputs))
	if err == nil {
		err = tx.Flush(ctx) // if the store queried nothing
	}
	if err != nil {
		return err
	}
	e.fold(b, states)
	b.write(tx, states.Save)
	return nil
}

// undo releases the commands that a transaction took, after its rollback.
func undo(inputs []*input) {
	for _, in := range inputs {
		if in.command != nil {
			in.command.err, in.command.reply = nil, ""
			in.command.release()
		}
	}
}

// onCommitted wakes the followers, answers the commands, and reports the positions
// to the broker as a hint. A crash in here loses nothing.
func (e *Engine[S]) onCommitted(b *batch) {
	e.wake(b)
	commits := map[*Assignment]int64{}
	var changed []string
	for _, h := range b.out.results {
		e.report(h, b.now)
		in := h.in
		if h.outcome == Applied {
			changed = append(changed, in.Key)
		}
		if c := in.command; c != nil {
			if h.outcome == Rejected {
				c.err = h.err
			}
			close(c.answer)
		}
		if in.assignment != nil && h.outcome != Fenced {
			commits[in.assignment] = in.record.Offset + 1
		}
		if in.committed != nil {
			in.committed(h.outcome)
		}
	}
	for _, in := range b.inputs {
		if in.control != nil && in.committed != nil {
			in.committed(Applied)
		}
	}
	e.changed(changed)
	for a, next := range commits {
		a.Commit(next)
	}
}

var errOutOfOrder = errors.New("sequence is below one seen before: order of an owner was broken")

// report logs the one line per handled input, and counts the input.
func (e *Engine[S]) report(h result, now time.Time) {
	in := h.in
	name := in.Name
	if _, ours := e.table[name]; !ours {
		name = "other" // a name that a foreign producer chose must not become a series
	}
	e.Metrics.inputs.WithLabelValues(string(in.Kind), name, string(h.outcome)).Inc()
	attrs := []slog.Attr{
		slog.String("kind", string(in.Kind)), slog.String("input", in.Name), slog.String("outcome", string(h.outcome)),
		slog.String("key", in.Key), slog.String("id", in.ID),
	}
	if in.CorrelationID != "" {
		attrs = append(attrs, slog.String("correlation_id", in.CorrelationID))
	}
	if in.CausationID != "" {
		attrs = append(attrs, slog.String("causation_id", in.CausationID))
	}
	if len(h.emitted) > 0 {
		attrs = append(attrs, slog.Any("emitted", h.emitted))
	}
	if in.record != nil {
		attrs = append(attrs, slog.String("topic", in.record.Topic), slog.Int("partition", int(in.record.Partition)), slog.Int64("offset", in.record.Offset))
	}
	if !in.occurred.IsZero() {
		attrs = append(attrs, slog.Float64("age_ms", float64(now.Sub(in.occurred).Microseconds())/1000))
	}
	err, level := h.err, slog.LevelInfo
	if h.outOfOrder { // the line names it whatever the outcome is
		level, err = slog.LevelError, errors.Join(errOutOfOrder, err)
		attrs = append(attrs, slog.Int64("sequence", in.sequence))
		e.Metrics.outOfOrder.Inc()
	}
	switch {
	case h.outcome == Parked || h.outcome == DeadLettered:
		level = slog.LevelError
		attrs = append(attrs, slog.Int("attempt", in.attempts+1))
	case h.outcome == Duplicate && err != nil:
		level = slog.LevelError
		e.Metrics.conflicts.Inc()
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	e.Log.LogAttrs(context.Background(), level, "handled", attrs...)
}

// changed notifies the callers that wait for a state here, and the other instances.
func (e *Engine[S]) changed(keys []string) {
	if e.Changed == nil || len(keys) == 0 {
		return
	}
	e.Changed(keys)
	e.notifier.tell(0)
}
