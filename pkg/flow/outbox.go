package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// add takes over rows, and forgets those that a batch deleted. under is nil for
// rows that were read from the table, all those of their keys. Those of a batch
// come alone, and only since it was found that this process holds their shards,
// under these epochs, and that it has whatever comes before them. That may have
// been some time ago:
//
//	9 is to be handed over ─ its shard is lost ─ 7 and 8 are read again, and left to the other ─ 9 goes out
//
// So it is asked again at the moment at which they are queued. Who holds the
// shard now finds them in the table.
func (r *relay) add(rows []outgoing, under map[string]int64, deleted []string) {
	r.mu.Lock()
	if under != nil {
		held := r.holding()
		rows = slices.DeleteFunc(rows, func(o outgoing) bool { return held[shardOf(o.Key)] != under[o.Key] })
	}
	for _, id := range deleted {
		delete(r.known, id)
		r.gone.note(id)
	}
	if r.reloading {
		r.late = append(r.late, rows...)
	} else {
		r.enqueue(rows)
	}
	r.m.outbox.Set(float64(len(r.known)))
	r.mu.Unlock()
	signal(r.woken)
}

// enqueue queues rows that are not known yet. A row can come twice: committed
// while the table was being read, it is in what was read and is handed over
// after that. The second finds it known.
func (r *relay) enqueue(rows []outgoing) {
	for _, row := range rows {
		if _, twice := r.known[row.ID]; twice || r.gone.has(row.ID) {
			continue
		}
		r.known[row.ID] = shardOf(row.Key)
		r.queue = append(r.queue, row)
	}
}

// depth is how many committed rows are still in the outbox. While the table is
// read again it is what it was before: a moment of knowing nothing must not
// look like an empty outbox.
func (r *relay) depth() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reloading {
		return max(r.before, len(r.known)+len(r.late))
	}
	return len(r.known)
}

func (r *relay) acknowledged() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.acked) > 0
}

// takeAcknowledged gives the ids that a batch may delete. giveBack returns
// them when the batch did not commit; deleting a row twice does no harm.
func (r *relay) takeAcknowledged() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.acked), maxDeletes)
	ids := r.acked[:n:n]
	r.acked = r.acked[n:]
	return ids
}

// maxDeletes keeps the deletion of a long backlog from making one batch slow.
const maxDeletes = 4 * maxInputs

func (r *relay) giveBack(ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked = append(r.acked, ids...)
}

// reload reads what the table holds and nobody has queued. Rows that are handed
// over meanwhile are held back until it is done:
//
//	reload begins ─ batch commits row 9 and hands it over ─ reload finds rows 7, 8
//
// Published as they came, 9 would overtake 7 and 8 of its key. Held back, it
// follows them, whether or not the reading saw it. The same holds when the
// reading fails: it must be repeated, and until it succeeds nothing gets past.
//
// What is held back and what was found are taken in for the same keys, decided
// at one moment:
//
//	9 is handed over and held back ─ its shard is lost ─ 7 and 8 are found, and are another's now ─ 9 goes out
//
// Without the lease 9 is left to the other too, which finds it in the table.
func (r *relay) reload(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case r.reloads <- struct{}{}:
		defer func() { <-r.reloads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	r.turns.next("reload", "")
	r.mu.Lock()
	r.reloading = true
	r.mu.Unlock()
	r.reading(true)
	defer r.reading(false)
	found, err := r.rows(ctx, ``)
	if err != nil {
		return err
	}
	r.turns.next("outbox is read", "")
	r.mu.Lock()
	held := r.holding()
	r.enqueue(slices.DeleteFunc(append(found, r.late...), func(o outgoing) bool { return held[shardOf(o.Key)] == 0 }))
	r.late, r.reloading, r.before = nil, false, 0
	r.m.outbox.Set(float64(len(r.known)))
	r.mu.Unlock()
	signal(r.woken)
	return nil
}

// rows reads the rows of a condition, key by key in their order.
func (r *relay) rows(ctx context.Context, where string, args ...any) ([]outgoing, error) {
	rows, err := r.db.Read().QueryContext(ctx, `SELECT id, topic, key, seq, headers, value FROM outbox`+where+` ORDER BY key, topic, seq`, args...)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	var found []outgoing
	for rows.Next() {
		var o outgoing
		var headers string
		if err := rows.Scan(&o.ID, &o.Topic, &o.Key, &o.Seq, &headers, &o.Value); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		if err := json.Unmarshal([]byte(headers), &o.Headers); err != nil {
			return nil, fmt.Errorf("read outbox row %s: %w", o.ID, err)
		}
		found = append(found, o)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return found, nil
}

// reading tells that rows are being read which will be added.
func (r *relay) reading(begins bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if begins {
		r.gone.begin()
	} else {
		r.gone.end()
	}
}

func (r *relay) knows(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.known[id]
	return known
}

// quiet reports whether the relay has nothing of a shard left.
func (r *relay) quiet(shard int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range r.known {
		if of == shard {
			return false
		}
	}
	return len(r.late) == 0
}
