package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/quintet-eda/quintet/pkg/store"
)

// marshal writes a body that this service will read again.
func marshal(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write %T as JSON: %w", v, err)
	}
	return string(b), nil
}

// text is a number as a parameter whose type the statement does not tell.
func text(n int64) string { return strconv.FormatInt(n, 10) }

// write puts the batch into its transaction: a handful of statements per
// table, in the lock order of every batch.
func (b *batch) write(ctx context.Context, tx *store.Tx, states func(context.Context, *store.Tx) error) error {
	for _, step := range []func(context.Context, *store.Tx) error{
		b.writePositions, b.writeKeys, b.writeInbox, states, b.writeOutbox, b.writeCalls, b.writeTimers, b.writeParked, b.writeReplies,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	if b.out.probe {
		_, err := tx.Exec(ctx, `UPDATE leases SET epoch = epoch WHERE shard = 0`)
		return err
	}
	return nil
}

func (b *batch) writePositions(ctx context.Context, tx *store.Tx) error {
	rows := sorted(b.positions)
	return positions.save(ctx, tx, slices.DeleteFunc(rows, func(p *position) bool { return !p.dirty }))
}

func (b *batch) writeKeys(ctx context.Context, tx *store.Tx) error {
	rows := slices.DeleteFunc(sorted(b.keys), func(k *keyState) bool { return !k.dirty })
	for _, k := range rows {
		k.writeSeen()
		delete(b.created, k.key)
	}
	if err := keyStates.save(ctx, tx, rows); err != nil {
		return err
	}
	// Made to be locked, and nothing came of it: a refused command must not
	// leave a row behind for whatever key it named.
	return onKeys(ctx, tx, `DELETE FROM streams WHERE key IN ({keys})`, slices.Sorted(maps.Keys(b.created)))
}

func (b *batch) writeInbox(ctx context.Context, tx *store.Tx) error {
	return inbox.save(ctx, tx, sorted(b.out.inbox))
}

func (b *batch) writeOutbox(ctx context.Context, tx *store.Tx) error {
	if err := outbox.save(ctx, tx, b.out.records); err != nil {
		return err
	}
	var rows []any
	for _, r := range b.out.refused {
		rows = append(rows, text(r.n), r.ID, text(r.due))
	}
	if err := tx.Bulk(ctx, `WITH v (n, id, due) AS (`, 3, `) UPDATE outbox SET due = CAST(v.due AS BIGINT) FROM v WHERE outbox.n = CAST(v.n AS BIGINT) AND outbox.id = v.id`, rows); err != nil {
		return err
	}
	if len(b.out.published) == 0 {
		return nil
	}
	// By number, which is quick, and by id: SQLite gives the number of a row that is
	// gone to another one, and a batch whose outcome is unknown deletes twice.
	var numbers, ids []string
	for _, r := range b.out.published {
		numbers, ids = append(numbers, text(r.n)), append(ids, r.ID)
	}
	_, err := tx.Exec(ctx, `DELETE FROM outbox WHERE n IN (SELECT CAST(key AS BIGINT) FROM ({keys}) AS numbers) AND id IN ({keys})`, store.Keys(numbers), store.Keys(ids))
	return err
}

func (b *batch) writeCalls(ctx context.Context, tx *store.Tx) error {
	if err := openCalls.save(ctx, tx, b.out.calls); err != nil {
		return err
	}
	if err := onKeys(ctx, tx, `UPDATE effects SET started = 1 WHERE id IN ({keys})`, b.out.started); err != nil {
		return err
	}
	var rows []any
	for _, c := range b.out.retries {
		rows = append(rows, c.id, c.key, text(c.due), text(int64(c.attempts)), text(c.began), text(int64(c.started)))
	}
	// The calls behind one that failed wait as long as it does.
	if err := tx.Bulk(ctx, `WITH v (id, key, due, attempts, began, started) AS (`, 6, `) UPDATE effects SET due = CAST(v.due AS BIGINT),
			attempts = CASE WHEN effects.id = v.id THEN CAST(v.attempts AS INTEGER) ELSE effects.attempts END,
			began = CASE WHEN effects.id = v.id THEN CAST(v.began AS BIGINT) ELSE effects.began END,
			started = CASE WHEN effects.id = v.id THEN CAST(v.started AS INTEGER) ELSE effects.started END
			FROM v WHERE effects.key = v.key`, rows); err != nil {
		return err
	}
	return onKeys(ctx, tx, `DELETE FROM effects WHERE id IN ({keys})`, b.out.finished)
}

func (b *batch) writeTimers(ctx context.Context, tx *store.Tx) error {
	var gone []string
	for id, t := range b.out.timers {
		if t == nil {
			gone = append(gone, id)
		}
	}
	running := slices.DeleteFunc(sorted(b.out.timers), func(t *timer) bool { return t == nil })
	if err := timers.save(ctx, tx, running); err != nil {
		return err
	}
	return onKeys(ctx, tx, `DELETE FROM timers WHERE id IN ({keys})`, gone)
}

func (b *batch) writeParked(ctx context.Context, tx *store.Tx) error {
	if err := parked.save(ctx, tx, b.out.parked); err != nil {
		return err
	}
	var late, gone []any
	for _, p := range b.out.postponed {
		late = append(late, p.source, p.key, text(p.n), text(p.due))
	}
	for _, p := range b.out.unparked {
		gone = append(gone, p.source, p.key, text(p.n))
	}
	if err := tx.Bulk(ctx, `WITH v (lane, key, n, due) AS (`, 4, `) UPDATE parked SET due = CAST(v.due AS BIGINT) FROM v
			WHERE parked.lane = v.lane AND parked.key = v.key AND parked.n = CAST(v.n AS BIGINT)`, late); err != nil {
		return err
	}
	// Whatever comes to a lane's head by that is due: the table sees to it.
	return tx.Bulk(ctx, `WITH v (lane, key, n) AS (`, 3, `) DELETE FROM parked
			WHERE (lane, key, n) IN (SELECT v.lane, v.key, CAST(v.n AS BIGINT) FROM v)`, gone)
}

func (b *batch) writeReplies(ctx context.Context, tx *store.Tx) error {
	return replies.save(ctx, tx, sorted(b.out.replies))
}
