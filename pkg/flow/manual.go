package flow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrNothingOpen is returned when there is no call or timer of that name to
// hand in.
var ErrNothingOpen = errors.New("nothing of that name is open")

// Answer hands in the result of a key's oldest open call of the kind that the
// table says it is the result of, as often as copies says: a crash between the
// result and its commit makes another. An engine without performers makes no
// calls itself; its results come this way, as tests do it. It returns once all
// of it is committed.
func (e *Engine[S]) Answer(ctx context.Context, key string, result any, copies int) error {
	call := e.table[name(result)].callName()
	in := Input{Kind: KindResult, Name: name(result), Key: key, Body: result}
	err := e.DB.Read().QueryRowContext(ctx, `SELECT id, causation, traceparent FROM effects WHERE key = ? AND name = ? ORDER BY n LIMIT 1`, key, call).
		Scan(&in.ID, &in.CausationID, &in.Traceparent)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("answer %s of %s: %w", call, key, ErrNothingOpen)
	}
	if err != nil {
		return fmt.Errorf("read open call of %s: %w", key, err)
	}
	in.effectID = in.ID
	return e.tellCopies(ctx, in, copies)
}

// Elapse lets a timer of a key run out now, as often as copies says.
func (e *Engine[S]) Elapse(ctx context.Context, key string, timer any, copies int) error {
	row := timerRow{id: timerID{key, name(timer)}}
	err := e.DB.Read().QueryRowContext(ctx, `SELECT due, body, causation, traceparent FROM timers WHERE id = ?`, row.id.String()).
		Scan(&row.due, &row.body, &row.causation, &row.traceparent)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("let %s of %s elapse: %w", row.id.name, key, ErrNothingOpen)
	}
	if err != nil {
		return fmt.Errorf("read timer %s: %w", row.id, err)
	}
	return e.tellCopies(ctx, *e.timers.input(&row), copies)
}

func (e *Engine[S]) tellCopies(ctx context.Context, in Input, copies int) error {
	for range copies {
		if _, err := e.tell(ctx, &in); err != nil {
			return err
		}
	}
	return nil
}

// tell puts an input into the loop and returns what became of it.
func (e *Engine[S]) tell(ctx context.Context, in *Input) (Outcome, error) {
	became := make(chan Outcome, 1)
	in.told = func(o Outcome) { became <- o }
	if !e.put(ctx, in) {
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
