package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

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

// write puts the batch into its transaction: a handful of statements per
// table, in the lock order of every batch.
func (w *work) write(ctx context.Context, tx *store.Tx, unit interface {
	Save(context.Context, *store.Tx) error
}) error {
	for _, step := range []func(context.Context, *store.Tx) error{
		w.writePositions, w.writeStreams, w.writeInbox, unit.Save, w.writeOutbox, w.writeEffects, w.writeTimers, w.writeParked, w.writeCommands,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) writePositions(ctx context.Context, tx *store.Tx) error {
	var args []any
	for _, p := range sorted(w.positions) {
		if p.dirty {
			args = append(args, p.claim, p.next, p.epoch)
		}
	}
	return tx.Bulk(ctx, `INSERT INTO positions (claim, next_offset, epoch)`, 3,
		`ON CONFLICT (claim) DO UPDATE SET next_offset = excluded.next_offset, epoch = excluded.epoch`, args)
}

func (w *work) writeStreams(ctx context.Context, tx *store.Tx) error {
	var args []any
	put := w.done.keys()
	for _, s := range sorted(w.streams) {
		if s.dirty {
			writer := s.writer
			if _, out := put[s.key]; out {
				writer = w.writer
			}
			args = append(args, s.key, s.emitted, s.made, s.writeSeen(), s.correlation, s.tenant, writer)
			delete(w.created, s.key)
		}
	}
	if err := tx.Bulk(ctx, `INSERT INTO streams (key, emitted, made, seen, correlation, tenant, writer)`, 7,
		`ON CONFLICT (key) DO UPDATE SET emitted = excluded.emitted, made = excluded.made, seen = excluded.seen,
		 correlation = excluded.correlation, tenant = excluded.tenant, writer = excluded.writer`, args); err != nil {
		return err
	}
	// Made to be locked, and nothing came of it: a refused command must not
	// leave a row behind for whatever key it named.
	return onKeys(ctx, tx, `DELETE FROM streams WHERE key IN ({keys})`, slices.Collect(maps.Keys(w.created)))
}

func (w *work) writeInbox(ctx context.Context, tx *store.Tx) error {
	args := make([]any, 0, 2*len(w.done.inbox))
	for _, id := range slices.Sorted(maps.Keys(w.done.inbox)) {
		args = append(args, id, w.done.inbox[id])
	}
	return tx.Bulk(ctx, `INSERT INTO inbox (id, status)`, 2, `ON CONFLICT (id) DO UPDATE SET status = excluded.status`, args)
}

func (w *work) writeOutbox(ctx context.Context, tx *store.Tx) error {
	args := make([]any, 0, 6*len(w.done.records))
	for i := range w.done.records {
		r := &w.done.records[i]
		headers, err := marshal(r.Headers)
		if err != nil {
			return err
		}
		args = append(args, r.ID, r.Topic, r.Key, r.Seq, headers, r.Value)
	}
	if err := tx.Bulk(ctx, `INSERT INTO outbox (id, topic, key, seq, headers, value)`, 6, `ON CONFLICT (id) DO NOTHING`, args); err != nil {
		return err
	}
	return onKeys(ctx, tx, `DELETE FROM outbox WHERE id IN ({keys})`, w.done.published)
}

func (w *work) writeEffects(ctx context.Context, tx *store.Tx) error {
	args := make([]any, 0, 7*len(w.done.effects))
	for _, f := range w.done.effects {
		args = append(args, f.ID, f.Key, f.n, f.Name, f.body, 0, f.Causation, f.traceparent)
	}
	if err := tx.Bulk(ctx, `INSERT INTO effects (id, key, n, name, body, started, causation, traceparent)`, 8, `ON CONFLICT (id) DO NOTHING`, args); err != nil {
		return err
	}
	if err := onKeys(ctx, tx, `UPDATE effects SET started = 1 WHERE id IN ({keys})`, w.done.started); err != nil {
		return err
	}
	if err := onKeys(ctx, tx, `UPDATE effects SET started = 0 WHERE id IN ({keys})`, w.done.notStarted); err != nil {
		return err
	}
	return onKeys(ctx, tx, `DELETE FROM effects WHERE id IN ({keys})`, w.done.finished)
}

func (w *work) writeTimers(ctx context.Context, tx *store.Tx) error {
	var args []any
	var gone []string
	for id, t := range w.done.timers {
		if t == nil {
			gone = append(gone, id.String())
			continue
		}
		args = append(args, id.String(), id.key, id.name, t.due, t.body, t.causation, t.traceparent)
	}
	if err := tx.Bulk(ctx, `INSERT INTO timers (id, key, name, due, body, causation, traceparent)`, 7,
		`ON CONFLICT (id) DO UPDATE SET due = excluded.due, body = excluded.body, causation = excluded.causation, traceparent = excluded.traceparent`, args); err != nil {
		return err
	}
	return onKeys(ctx, tx, `DELETE FROM timers WHERE id IN ({keys})`, gone)
}

func (w *work) writeParked(ctx context.Context, tx *store.Tx) error {
	args := make([]any, 0, 8*len(w.done.parked))
	for _, p := range w.done.parked {
		args = append(args, p.id.source, p.id.key, p.id.n, p.inputID, p.input, p.cause, p.attempts, p.dead)
	}
	if err := tx.Bulk(ctx, `INSERT INTO parked (lane, key, n, input_id, input, cause, attempts, dead)`, 8,
		`ON CONFLICT (lane, key, n) DO UPDATE SET cause = excluded.cause, attempts = excluded.attempts, dead = excluded.dead`, args); err != nil {
		return err
	}
	for _, p := range w.done.unparked {
		if _, err := tx.Exec(ctx, `DELETE FROM parked WHERE lane = ? AND key = ? AND n = ?`, p.source, p.key, p.n); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) writeCommands(ctx context.Context, tx *store.Tx) error {
	args := make([]any, 0, 3*len(w.done.commands))
	slices.SortFunc(w.done.commands, func(a, b commandRow) int { return strings.Compare(a.key, b.key) })
	for _, c := range w.done.commands {
		args = append(args, c.key, c.digest, c.reply)
	}
	return tx.Bulk(ctx, `INSERT INTO commands (id, digest, reply)`, 3, ``, args)
}

// onKeys runs a statement over a set of keys, if there are any.
func onKeys(ctx context.Context, tx *store.Tx, query string, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, query, store.Keys(keys))
	return err
}

// sorted returns a map's values in the order of its keys, so that every batch
// takes its locks in one order.
func sorted[V any](m map[string]V) []V {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	vs := make([]V, len(keys))
	for i, k := range keys {
		vs[i] = m[k]
	}
	return vs
}
