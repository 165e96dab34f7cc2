package engine

import (
	"slices"
	"strconv"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

// wanted are the keys of the rows that a batch loads.
type wanted struct{ partitions, shards, keys, events, calls, timers, commands, claims []string }

func want(inputs []*input, shared bool) (w wanted) {
	ask := func(list *[]string, what string) {
		if !slices.Contains(*list, what) { // a batch has many records of few partitions
			*list = append(*list, what)
		}
	}
	for _, in := range inputs {
		if in.assignment != nil {
			ask(&w.partitions, in.assignment.key())
		}
		for _, a := range in.assignments {
			ask(&w.partitions, a.key())
		}
		if in.epoch != 0 && shared {
			ask(&w.shards, strconv.Itoa(shardOf(in.Key)))
		}
		switch {
		case in.Kind == flow.KindEvent && !in.ignored():
			w.events = append(w.events, in.ID)
			if in.eventID != in.ID {
				w.events = append(w.events, in.eventID) // as the version before stored it
			}
		case in.callID != "":
			w.calls = append(w.calls, in.callID)
		case in.Kind == flow.KindTimer:
			w.timers = append(w.timers, timerID(in.Key, in.Name))
		case in.command != nil && in.command.key != "":
			w.commands = append(w.commands, in.command.key)
			if in.unreadable == nil { // an input that the database refused may fail here too
				w.claims = append(w.claims, in.command.key)
			}
		}
	}
	w.keys = keys(inputs)
	slices.Sort(w.keys)
	return w
}

// load queues the reads of the engine's rows that the batch needs. Every batch of every
// instance keeps this lock order: new rows first (see lockNew), then positions, leases,
// keys, idempotency keys. The batch share-locks the leases until its commit, so that no
// process takes a shard over between this read and the write of a result. The
// participant's states, which may share rows between keys, come last.
func (b *batch) load(tx *store.Tx) {
	b.shared = tx.Shared()
	w := want(b.inputs, b.shared)
	const byID = `id IN ({keys})`
	b.lockNew(tx, w.keys)
	positions.Load(tx, `claim IN ({keys}) ORDER BY claim {lock}`, w.partitions, func(p *position) { b.positions[p.partition] = p })
	leaseRows.Load(tx, `CAST(shard AS TEXT) IN ({keys}) ORDER BY shard {share}`, w.shards, func(l *lease) { b.epochs[l.shard] = l.epoch })
	keyStates.Load(tx, `key IN ({keys}) ORDER BY key {lock}`, w.keys, func(k *keyState) {
		k.readSeen()
		b.keys[k.key] = k
	})
	b.claim(tx, w.claims)
	inbox.Load(tx, byID+` AND digest <> '`+forVersionBefore+`'`, w.events, func(r *inboxRow) { b.inbox[r.id] = r })
	parkedHeads.Load(tx, `key IN ({keys}) AND due < `+waiting, w.keys, b.putHead)
	openCalls.Load(tx, byID, w.calls, func(c *call) { b.calls[c.id] = true })
	timers.Load(tx, byID, w.timers, func(t *timer) { b.timers[t.id] = t.due })
	replies.Load(tx, byID, w.commands, func(r *reply) {
		if !b.claimed[r.id] { // else it is this batch's own row, without an answer yet
			b.replies[r.id] = r
		}
	})
}

// putHead considers a parked row that does not wait behind another. The oldest such row
// of a lane is the lane's head.
func (b *batch) putHead(p *parkedRow) {
	if other, there := b.heads[p.lane]; !there || p.n < other.n {
		b.heads[p.lane] = parkedHead{n: p.n, attempts: p.attempts, dead: p.dead}
	}
}

// lockNew inserts the rows that will be locked and do not exist yet. A row that does
// not exist cannot be locked. Without lockNew, two instances could both handle a new
// key, and neither would wait for the other. A process alone needs no lock.
//
// lockNew is free of deadlocks. A batch first inserts rows in the order of their keys,
// then locks rows in that order. A batch that waits for an insert has no lock on a row
// that existed before.
func (b *batch) lockNew(tx *store.Tx, keys []string) {
	if !tx.Shared() {
		return
	}
	var partitions []string
	for _, in := range b.inputs {
		for _, a := range in.assignments {
			partitions = append(partitions, a.key())
		}
	}
	onKeys(tx, `INSERT INTO positions (claim, next_offset, epoch)
		SELECT key, 0, 0 FROM ({keys}) AS new WHERE true ORDER BY key ON CONFLICT (claim) DO NOTHING`, partitions)
	create(tx, b.created, `INSERT INTO streams (key, emitted, made, seen, correlation, tenant)
		SELECT key, 0, 0, '', '', '' FROM ({keys}) AS new WHERE true ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING key`, keys)
}

// claim inserts the rows of idempotency keys that have no answer yet. Repeats of a
// command wait for each other there, even if each concerns a key of its own, such as
// the order that it would place. claim comes after the locks of keys, as the answer
// does in the version before.
func (b *batch) claim(tx *store.Tx, commands []string) {
	if tx.Shared() {
		create(tx, b.claimed, `INSERT INTO commands (id, digest, reply)
			SELECT key, '', '' FROM ({keys}) AS new WHERE true ORDER BY key ON CONFLICT (id) DO NOTHING RETURNING id`, commands)
	}
}

// create queues a statement that inserts rows for keys, if there are any. It records in
// made the keys whose rows did not exist.
func create(tx *store.Tx, made map[string]bool, query string, keys []string) {
	if len(keys) == 0 {
		return
	}
	tx.Queue(func(scan scanner) error {
		var key string
		err := scan(&key)
		made[key] = true
		return err
	}, query, store.Keys(keys))
}

// lostLease reports whether an input comes from a call whose lease another
// process has taken.
func (b *batch) lostLease(in *input) bool {
	return in.epoch != 0 && b.shared && b.epochs[shardOf(in.Key)] != in.epoch
}
