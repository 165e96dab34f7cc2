package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// outgoing is an outbox row.
type outgoing struct {
	n       int64 // its place in the outbox
	ID      string
	Seq     int64
	headers string // as they are stored
	shard   int
	due     int64 // above 0: the row was refused before
	record.Record
}

// refusal is an outbox row that can never be published as it is.
type refusal struct {
	row outgoing
	err error
}

func newOutgoing(id string, seq int64, r record.Record) *outgoing {
	return &outgoing{ID: id, Seq: seq, headers: mustJSON(r.Headers), shard: shardOf(r.Key), Record: r}
}

// queue adds a row to those to publish next, or behind an earlier row of its lane.
func (r *relay[S]) queue(o outgoing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := lane{o.Topic, o.Key}
	if waiting, busy := r.behind[l]; busy && o.Key != "" {
		r.behind[l] = append(waiting, o)
		return
	}
	r.behind[l] = nil
	r.next = append(r.next, o)
}

// take returns the rows to publish now. A row that was refused is published alone, since
// a broker refuses every record that comes with it. All other rows come next.
func (r *relay[S]) take(again []outgoing, more bool) []outgoing {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.more = more || len(again) > 0
	rows, alone := r.next, false
	if othersTurn := r.others && len(r.next) > 0; len(again) > 0 && !othersTurn {
		if len(r.flying) > 0 {
			return nil // it is published once no other row is in flight
		}
		if i := slices.IndexFunc(again, func(o outgoing) bool { return r.rows.begin(o.ID, o.Key) }); i >= 0 {
			rows, alone = again[i:i+1], true
		}
	}
	if r.others = alone; !alone {
		r.next = nil
	}
	for _, row := range rows {
		row.Value, row.Headers = nil, nil // only the returned row needs them
		r.flying[row.ID] = row
	}
	return rows
}

// published returns a row that is in flight.
func (r *relay[S]) published(id string) outgoing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flying[id]
}

// acknowledge notes that a record arrived, and releases the next row of its lane.
func (r *relay[S]) acknowledge(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, flying := r.flying[id]
	if !flying {
		return // acknowledged twice
	}
	delete(r.flying, id)
	l := lane{row.Topic, row.Key}
	waiting := r.behind[l]
	if len(waiting) == 0 {
		delete(r.behind, l)
	} else {
		r.behind[l] = waiting[1:]
		r.next = append(r.next, waiting[0])
	}
	r.acked = append(r.acked, row)
	if !r.queued {
		r.queued = true
		r.e.idle <- r.deletion() // one at a time, so idle has room
	}
	if len(waiting) > 0 || r.more {
		signal(r.hint)
	}
}

// deletion returns the step that deletes the acknowledged rows.
func (r *relay[S]) deletion() *input {
	return &input{control: r.delete, committed: func(Outcome) { r.deleted() }, canWait: true}
}

// delete makes the batch delete acknowledged rows, at most maxDeletes.
func (r *relay[S]) delete(b *batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.acked), maxDeletes-len(r.deleting))
	r.deleting = append(r.deleting, r.acked[:n]...)
	r.acked = r.acked[n:]
	b.out.published = slices.Clone(r.deleting)
}

// deleted ends the rows that the batch has deleted.
func (r *relay[S]) deleted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range r.deleting {
		r.rows.end(row.ID)
	}
	r.deleting = nil
	if r.more {
		signal(r.hint) // there is room for the rows that were not read
	}
	if r.queued = len(r.acked) > 0; r.queued {
		r.e.idle <- r.deletion()
	}
}

// setAside makes each refused row wait for refusedAgain. The later rows of its lane wait
// with it.
func (r *relay[S]) setAside(ctx context.Context, refused []refusal) error {
	if len(refused) == 0 {
		return nil
	}
	for _, a := range refused {
		r.e.Log.Error("publish event: set aside", "id", a.row.ID, "error", a.err)
	}
	r.mu.Lock()
	r.rest = time.Now().Add(pollEvery)
	r.mu.Unlock()
	due := time.Now().Add(refusedAgain).UnixMicro()
	_, err := r.e.submit(ctx, &input{Input: flow.Input{ID: "set aside"}, control: func(b *batch) {
		for _, a := range refused {
			b.out.refused = append(b.out.refused, outgoing{n: a.row.n, ID: a.row.ID, due: due})
		}
	}})
	r.count(ctx)
	return err
}

// refusedName is the name under which Missing reports the refused events.
const refusedName = "broker refuses"

// count counts the refused rows, and all rows of the outbox until they exceed its bound.
func (r *relay[S]) count(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	var n, refused int64
	err := r.e.DB.Read().QueryRowContext(ctx, `SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?) AS bounded), (SELECT count(*) FROM outbox WHERE due > 0)`, r.e.OutboxBound+1).Scan(&n, &refused)
	if err != nil {
		return // the last count is as good a guess; the reading reports the failure
	}
	r.backlog.Store(n)
	if refused == 0 {
		r.e.missing.Delete(refusedName)
	} else {
		r.e.missing.Store(refusedName, fmt.Sprintf("%d events, which wait with those behind them: see the log", refused))
	}
}

// left reports whether the outbox still has due rows of the shards that are held. It
// also reports true when the reading fails.
func (r *relay[S]) left(ctx context.Context) bool {
	left := false
	err := dueRecords.read(ctx, r.e.DB, r.e.leases, time.Now(), 1, func(*outgoing, int64) (enough bool) {
		left = true
		return true
	})
	return left || err != nil
}
