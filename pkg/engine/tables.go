package engine

import (
	"database/sql/driver"
	"maps"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/store"
)

// table describes one of the engine's tables, for those who load, write and
// follow it: its rows are values of R.
type table[R any] struct {
	name    string
	columns []string
	fields  func(r *R) []any // of a row, in the order of the columns

	read, insert, conflict string // parts of statements
}

// newTable describes a table by its columns, and by the key by which a row is
// replaced; of a table without one rows are only added.
func newTable[R any](name, key string, columns []string, fields func(r *R) []any) table[R] {
	list := strings.Join(columns, ", ")
	t := table[R]{name: name, columns: columns, fields: fields, read: `SELECT ` + list + ` FROM ` + name + ` WHERE `, insert: `INSERT INTO ` + name + ` (` + list + `)`}
	var set []string
	for _, c := range columns {
		if !strings.Contains(" "+key+",", " "+c+",") {
			set = append(set, c+" = excluded."+c)
		}
	}
	if key != "" {
		t.conflict = `ON CONFLICT (` + key + `) DO UPDATE SET ` + strings.Join(set, ", ")
	}
	return t
}

var (
	positions = newTable("positions", "claim", []string{"claim", "next_offset", "epoch"},
		func(p *position) []any { return []any{&p.partition, &p.next, &p.generation} })
	keyStates = newTable("streams", "key", []string{"key", "emitted", "made", "seen", "correlation", "tenant"},
		func(k *keyState) []any {
			return []any{&k.key, &k.emitted, &k.made, &k.seenText, &k.correlation, &k.tenant}
		})
	inbox = newTable("inbox", "id", []string{"id", "status", "digest"},
		func(r *inboxRow) []any { return []any{&r.id, &r.status, &r.digest} })
	outbox = newTable("outbox", "", []string{"id", "topic", "key", "seq", "headers", "value", "shard", "due"},
		func(o *outgoing) []any {
			return []any{&o.ID, &o.Topic, &o.Key, &o.Seq, &o.headers, (*blob)(&o.Value), &o.shard, &o.due}
		})
	// A row of the outbox with its number, which the table gives it.
	outboxRows = newTable("outbox", "", append([]string{"n"}, outbox.columns...),
		func(o *outgoing) []any { return append([]any{&o.n}, outbox.fields(o)...) })
	openCalls = newTable("effects", "id", []string{"id", "key", "n", "name", "body", "started", "causation", "traceparent", "shard", "due", "attempts", "began"},
		func(c *call) []any {
			return []any{&c.id, &c.key, &c.n, &c.name, &c.body, &c.started, &c.causation, &c.traceparent, &c.shard, &c.due, &c.attempts, &c.began}
		})
	timers = newTable("timers", "id", []string{"id", "key", "name", "due", "body", "causation", "traceparent", "shard"},
		func(t *timer) []any {
			return []any{&t.id, &t.key, &t.name, &t.due, &t.body, &t.causation, &t.traceparent, &t.shard}
		})
	parked = newTable("parked", "lane, key, n", []string{"lane", "key", "n", "input_id", "input", "cause", "attempts", "dead", "due", "shard"},
		func(p *parkedRow) []any {
			return []any{&p.source, &p.key, &p.n, &p.inputID, &p.input, &p.cause, &p.attempts, &p.dead, &p.due, &p.shard}
		})
	// A head without its input, which may be large.
	parkedHeads = newTable("parked", "lane, key, n", []string{"lane", "key", "n", "attempts", "dead", "due"},
		func(p *parkedRow) []any { return []any{&p.source, &p.key, &p.n, &p.attempts, &p.dead, &p.due} })
	replies = newTable("commands", "id", []string{"id", "digest", "reply"},
		func(r *reply) []any { return []any{&r.id, &r.digest, &r.text} })
	leaseRows = newTable("leases", "shard", []string{"shard", "holder", "epoch"},
		func(l *lease) []any { return []any{&l.shard, &l.holder, &l.epoch} })
)

// blob is bytes that may be none, which is not the same as empty.
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

// load queues the reading of rows that a condition on a set of keys selects; none for
// no keys.
func (t table[R]) load(tx *store.Tx, where string, keys []string, row func(r *R)) {
	if len(keys) == 0 {
		return
	}
	tx.Queue(func(scan scanner) error {
		var r R
		err := scan(t.fields(&r)...)
		row(&r)
		return err
	}, t.read+where, store.Keys(keys))
}

// save queues the writing of rows, each new or in place of the one of its key.
func (t table[R]) save(tx *store.Tx, rows []*R) {
	values := make([]any, 0, len(rows)*len(t.columns))
	for _, r := range rows {
		values = append(values, t.fields(r)...)
	}
	tx.Bulk(t.insert, len(t.columns), t.conflict, values)
}

// onKeys queues a statement over a set of keys, if there are any.
func onKeys(tx *store.Tx, query string, keys []string) {
	if len(keys) > 0 {
		tx.Queue(nil, query, store.Keys(keys))
	}
}

// sorted returns a map's values in the order of its keys, so that every batch
// takes its locks in one order.
func sorted[V any](m map[string]V) []V {
	vs := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		vs = append(vs, m[k])
	}
	return vs
}
