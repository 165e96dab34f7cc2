package engine

import (
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

// text returns a number as a parameter when the statement does not determine its type.
func text(n int64) string { return strconv.FormatInt(n, 10) }

// write queues the writes of the batch: a handful of statements per table, in the lock
// order of every batch.
func (b *batch) write(tx *store.Tx, states func(*store.Tx)) {
	b.writePositions(tx)
	b.writeKeys(tx)
	inbox.Save(tx, sorted(b.out.inbox))
	states(tx)
	b.writeOutbox(tx)
	b.writeCalls(tx)
	b.writeTimers(tx)
	b.writeParked(tx)
	b.writeReplies(tx)
	if b.out.probe {
		tx.Queue(nil, `UPDATE leases SET epoch = epoch WHERE shard = 0`)
	}
}

func (b *batch) writePositions(tx *store.Tx) {
	rows := sorted(b.positions)
	positions.Save(tx, slices.DeleteFunc(rows, func(p *position) bool { return !p.dirty }))
}

func (b *batch) writeKeys(tx *store.Tx) {
	rows := slices.DeleteFunc(sorted(b.keys), func(k *keyState) bool { return !k.dirty })
	for _, k := range rows {
		k.writeSeen()
		delete(b.created, k.key)
	}
	keyStates.Save(tx, rows)
	// These rows were created to be locked, and their keys did not change. A refused
	// command must not leave a row behind for an arbitrary key.
	onKeys(tx, `DELETE FROM streams WHERE key IN ({keys})`, slices.Sorted(maps.Keys(b.created)))
}

func (b *batch) writeOutbox(tx *store.Tx) {
	outbox.Save(tx, b.out.records)
	var rows []any
	for _, r := range b.out.refused {
		rows = append(rows, text(r.n), r.ID, text(r.due))
	}
	tx.Bulk(`WITH v (n, id, due) AS (`, 3, `) UPDATE outbox SET due = CAST(v.due AS BIGINT) FROM v WHERE outbox.n = CAST(v.n AS BIGINT) AND outbox.id = v.id`, rows)
	if len(b.out.published) == 0 {
		return
	}
	// The statement deletes by number, which is quick, and by id. SQLite gives the number
	// of a deleted row to another one, and a batch of unknown outcome deletes twice.
	var numbers, ids []string
	for _, r := range b.out.published {
		numbers, ids = append(numbers, text(r.n)), append(ids, r.ID)
	}
	tx.Queue(nil, `DELETE FROM outbox WHERE n IN (SELECT CAST(key AS BIGINT) FROM ({keys}) AS numbers) AND id IN ({keys})`, store.Keys(numbers), store.Keys(ids))
}

func (b *batch) writeCalls(tx *store.Tx) {
	openCalls.Save(tx, b.out.calls)
	onKeys(tx, `UPDATE effects SET started = 1 WHERE id IN ({keys})`, b.out.started)
	var rows []any
	for _, c := range b.out.retries {
		rows = append(rows, c.id, c.key, text(c.due), text(int64(c.attempts)), text(c.began), text(int64(c.started)))
	}
	// The calls behind a failed call wait as long as it does. Otherwise each reading
	// would pass over them.
	tx.Bulk(`WITH v (id, key, due, attempts, began, started) AS (`, 6, `) UPDATE effects SET due = CAST(v.due AS BIGINT),
			attempts = CASE WHEN effects.id = v.id THEN CAST(v.attempts AS INTEGER) ELSE effects.attempts END,
			began = CASE WHEN effects.id = v.id THEN CAST(v.began AS BIGINT) ELSE effects.began END,
			started = CASE WHEN effects.id = v.id THEN CAST(v.started AS INTEGER) ELSE effects.started END
			FROM v WHERE effects.key = v.key`, rows)
	onKeys(tx, `DELETE FROM effects WHERE id IN ({keys})`, b.out.finished)
}

func (b *batch) writeTimers(tx *store.Tx) {
	var gone []string
	for id, t := range b.out.timers {
		if t == nil {
			gone = append(gone, id)
		}
	}
	running := slices.DeleteFunc(sorted(b.out.timers), func(t *timer) bool { return t == nil })
	timers.Save(tx, running)
	onKeys(tx, `DELETE FROM timers WHERE id IN ({keys})`, gone)
}

func (b *batch) writeReplies(tx *store.Tx) {
	replies.Save(tx, sorted(b.out.replies))
	maps.DeleteFunc(b.claimed, func(id string, _ bool) bool { return b.out.replies[id] != nil })
	// Such a command was refused, or its caller gave up: a repeat is a first one.
	onKeys(tx, `DELETE FROM commands WHERE id IN ({keys})`, slices.Sorted(maps.Keys(b.claimed)))
}

func (b *batch) writeParked(tx *store.Tx) {
	parked.Save(tx, b.out.parked)
	var late, gone []any
	for _, p := range b.out.postponed {
		late = append(late, p.source, p.key, text(p.n), text(p.due))
	}
	for _, p := range b.out.unparked {
		gone = append(gone, p.source, p.key, text(p.n))
	}
	tx.Bulk(`WITH v (lane, key, n, due) AS (`, 4, `) UPDATE parked SET due = CAST(v.due AS BIGINT) FROM v
			WHERE parked.lane = v.lane AND parked.key = v.key AND parked.n = CAST(v.n AS BIGINT)`, late)
	// A trigger of the table makes the new head of a lane due at once.
	tx.Bulk(`WITH v (lane, key, n) AS (`, 3, `) DELETE FROM parked
			WHERE (lane, key, n) IN (SELECT v.lane, v.key, CAST(v.n AS BIGINT) FROM v)`, gone)
}
