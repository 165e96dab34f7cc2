package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// transactTime bounds one transaction. It does not follow the service's own
// end: a batch that was begun is committed, so that stopping is clean.
const transactTime = 30 * time.Second

// transact is the loop's one transaction: load, fold, write, commit, and then
// the hand-over.
func (e *Engine[S]) transact(batch []*Input) error {
	ctx, cancel := context.WithTimeout(context.Background(), transactTime)
	defer cancel()
	began := time.Now()
	w := newWork(began.UTC().Truncate(time.Microsecond), batch)
	if e.follow.shared {
		w.writer, w.held = e.follow.writer, e.follow.holding()
	}
	tx, err := e.DB.Begin(ctx)
	if err != nil {
		return err
	}
	w.done.published = e.relay.takeAcknowledged()
	if err := e.attempt(ctx, tx, w); err != nil {
		tx.Rollback(err)
		e.undo(w, err)
		return err
	}
	if err := tx.Commit(); err != nil {
		e.undo(w, err)
		return err
	}
	e.Metrics.observe(len(batch), time.Since(began))
	e.Turns.next("hand over", "")
	e.handOver(w)
	return nil
}

// undo takes back what a batch that did not commit did in memory. After a commit
// of unknown outcome the commands stay the batch's: their callers will be told.
func (e *Engine[S]) undo(w *work, err error) {
	e.relay.giveBack(w.done.published)
	for _, in := range w.inputs {
		if in.command != nil && !errors.Is(err, store.ErrUnknownOutcome) {
			in.command.err, in.command.reply = nil, ""
			in.command.release()
		}
	}
}

// attempt does what a batch does before its commit. A store that panics does so
// over one of the inputs, so it is found like one that the database refuses.
func (e *Engine[S]) attempt(ctx context.Context, tx *store.Tx, w *work) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store of %s panicked: %v", e.Participant.Service, p)
		}
	}()
	unit, err := e.load(ctx, tx, w)
	if err != nil {
		return err
	}
	e.fold(w, unit)
	return w.write(ctx, tx, unit)
}

// handOver runs once the batch is committed: first the work that it asked for,
// then its answers, then the broker's hint about the position. A crash in here
// loses nothing: every part of it is read back from the tables.
func (e *Engine[S]) handOver(w *work) {
	e.follow.after(w)
	if len(w.done.parked) > 0 {
		signal(e.parker.woken)
	}
	marks := map[*Claim]int64{}
	changed := make([]string, 0, len(w.done.handled))
	for _, h := range w.done.handled {
		in := h.in
		e.report(h, w.now)
		if h.outcome == Applied {
			changed = append(changed, in.Key)
		}
		if in.command != nil {
			if h.err != nil {
				in.command.err = h.err
			}
			close(in.command.answer)
		}
		if in.claim != nil && h.outcome != NotOurs {
			marks[in.claim] = in.record.Offset + 1
		}
		if h.overtaken {
			in.claim.lose()
		}
		if in.told != nil {
			in.told(h.outcome)
		}
	}
	for _, in := range w.inputs {
		if in.internal != nil && in.told != nil {
			in.told(Applied)
		}
	}
	e.follow.changed(changed)
	for c, next := range marks {
		c.Mark(next)
	}
}

// report writes the one line per handled input, and counts it.
func (e *Engine[S]) report(h handled, now time.Time) {
	in := h.in
	input := in.Name
	if _, ours := e.table[input]; !ours {
		input = "other" // a name that a foreign producer chose must not become a series
	}
	e.Metrics.inputs.WithLabelValues(string(in.Kind), input, string(h.outcome)).Inc()
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
	level := slog.LevelInfo
	switch {
	case h.outcome == Parked || h.outcome == DeadNoKey:
		level = slog.LevelError
		attrs = append(attrs, slog.Int("attempt", in.attempts+1), slog.String("error", h.err.Error()))
	case h.inverted:
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", "sequence is below one seen before: order of an owner was broken"), slog.Int64("sequence", in.sequence))
		e.Metrics.inverted.Inc()
	case h.err != nil:
		attrs = append(attrs, slog.String("error", h.err.Error()))
	}
	e.Log.LogAttrs(context.Background(), level, "handled", attrs...)
}
