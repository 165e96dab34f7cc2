package engine

import (
	"database/sql/driver"
	"maps"
	"slices"

	"github.com/quintet-eda/quintet/pkg/store"
)

// The engine's tables. Some names are those of the version before, which works on the
// same tables side by side. "streams" are states of keys, "effects" are calls, and
// "claim" is a partition. "lane" in parked is the source of a lane, and "epoch" in
// positions is the generation of an assignment.
var (
	positions = store.NewTable("positions", "claim", []string{"claim", "next_offset", "epoch"},
		func(p *position) []any { return []any{&p.partition, &p.next, &p.generation} })
	keyStates = store.NewTable("streams", "key", []string{"key", "emitted", "made", "seen", "correlation", "tenant"},
		func(k *keyState) []any {
			return []any{&k.key, &k.emitted, &k.made, &k.seenText, &k.correlation, &k.tenant}
		})
	inbox = store.NewTable("inbox", "id", []string{"id", "status", "digest"},
		func(r *inboxRow) []any { return []any{&r.id, &r.status, &r.digest} })
	outbox = store.NewTable("outbox", "", []string{"id", "topic", "key", "seq", "headers", "value", "shard", "due"},
		func(o *outgoing) []any {
			return []any{&o.ID, &o.Topic, &o.Key, &o.Seq, &o.headers, (*blob)(&o.Value), &o.shard, &o.due}
		})
	// A row of the outbox with its number, which the table assigns.
	outboxRows = store.NewTable("outbox", "", append([]string{"n"}, outbox.Columns...),
		func(o *outgoing) []any { return append([]any{&o.n}, outbox.Fields(o)...) })
	openCalls = store.NewTable("effects", "id", []string{"id", "key", "n", "name", "body", "started", "causation", "traceparent", "shard", "due", "attempts", "began"},
		func(c *call) []any {
			return []any{&c.id, &c.key, &c.n, &c.name, &c.body, &c.started, &c.causation, &c.traceparent, &c.shard, &c.due, &c.attempts, &c.began}
		})
	timers = store.NewTable("timers", "id", []string{"id", "key", "name", "due", "body", "causation", "traceparent", "shard"},
		func(t *timer) []any {
			return []any{&t.id, &t.key, &t.name, &t.due, &t.body, &t.causation, &t.traceparent, &t.shard}
		})
	parked = store.NewTable("parked", "lane, key, n", []string{"lane", "key", "n", "input_id", "input", "cause", "attempts", "dead", "due", "shard"},
		func(p *parkedRow) []any {
			return []any{&p.source, &p.key, &p.n, &p.inputID, &p.input, &p.cause, &p.attempts, &p.dead, &p.due, &p.shard}
		})
	// A head without its input, which may be large.
	parkedHeads = store.NewTable("parked", "lane, key, n", []string{"lane", "key", "n", "attempts", "dead", "due"},
		func(p *parkedRow) []any { return []any{&p.source, &p.key, &p.n, &p.attempts, &p.dead, &p.due} })
	replies = store.NewTable("commands", "id", []string{"id", "digest", "reply"},
		func(r *reply) []any { return []any{&r.id, &r.digest, &r.text} })
	leaseRows = store.NewTable("leases", "shard", []string{"shard", "holder", "epoch"},
		func(l *lease) []any { return []any{&l.shard, &l.holder, &l.epoch} })
)

// blob holds bytes, or nil for none, which is not the same as empty.
type blob []byte

// Scan implements [sql.Scanner].
func (b *blob) Scan(src any) error {
	if bytes, some := src.([]byte); some {
		*b = append(blob{}, bytes...)
	}
	return nil
}

// Value implements [driver.Valuer].
func (b blob) Value() (driver.Value, error) {
	if b == nil {
		return nil, nil
	}
	return []byte(b), nil
}

type scanner = func(dst ...any) error

// onKeys queues a statement over a set of keys, if there are any.
func onKeys(tx *store.Tx, query string, keys []string) {
	if len(keys) > 0 {
		tx.Queue(nil, query, store.Keys(keys))
	}
}

// sorted returns a map's values in key order, so that every batch takes its locks in
// one order.
func sorted[V any](m map[string]V) []V {
	vs := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		vs = append(vs, m[k])
	}
	return vs
}
