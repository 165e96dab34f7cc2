package engine

import (
	"context"
	"fmt"
	"slices"
)

// Pending counts the work that a participant still has to do, over all of its
// instances. Every field but Lag and Queued comes from the database they share. The
// system is at rest when Handled stays the same between two readings, and each
// participant has zero in the other fields.
type Pending struct {
	Lag     int64 `json:"lag"`     // records of its topics that are not read yet
	Queued  int64 `json:"queued"`  // inputs that wait for a batch of this instance
	Outbox  int64 `json:"outbox"`  // committed events that the broker has not acknowledged
	Effects int64 `json:"effects"` // external calls that are not answered
	Timers  int64 `json:"timers"`
	Parked  int64 `json:"parked"`  // inputs that could not be handled, and those behind them
	Handled int64 `json:"handled"` // records consumed, ever: the sum of the positions
}

// Pending counts the work that is left. Only the log knows the lag, so it is
// not filled in here.
func (e *Engine[S]) Pending(ctx context.Context) (Pending, error) {
	p := Pending{Queued: int64(len(e.inputs))}
	err := e.DB.Read().QueryRowContext(ctx, `SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM effects), (SELECT count(*) FROM timers), (SELECT count(*) FROM parked),
		(SELECT CAST(coalesce(sum(next_offset), 0) AS BIGINT) FROM positions)`).
		Scan(&p.Outbox, &p.Effects, &p.Timers, &p.Parked, &p.Handled)
	if err != nil {
		return Pending{}, fmt.Errorf("count what is pending: %w", err)
	}
	return p, nil
}

// Missing returns the reasons why this participant cannot go on, a sentence per
// dependency. It returns none when the participant can.
func (e *Engine[S]) Missing() []string {
	var sentences []string
	e.missing.Range(func(dependency, why any) bool {
		sentences = append(sentences, fmt.Sprintf("%s: %s", dependency, why))
		return true
	})
	slices.Sort(sentences)
	return sentences
}

// Positions returns the stored position of each partition, by "topic/partition".
func (e *Engine[S]) Positions(ctx context.Context) (map[string]int64, error) {
	rows, err := e.DB.Read().QueryContext(ctx, `SELECT claim, next_offset FROM positions`)
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	defer rows.Close()
	next := map[string]int64{}
	for rows.Next() {
		var partition string
		var offset int64
		if err := rows.Scan(&partition, &offset); err != nil {
			return nil, fmt.Errorf("read positions: %w", err)
		}
		next[partition] = offset
	}
	return next, rows.Err()
}
