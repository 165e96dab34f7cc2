package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// shards is how many parts the keys are divided into. The one process that holds a
// shard's lease does the follow-up work of commits for all keys of the shard:
// publishing, calls, timers, retries of parked lanes.
const shards = 12

// shardOf is a key's shard: FNV-1a, the same in every instance.
func shardOf(key string) int {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return int(h % shards)
}

const (
	// leaseTime is how long a counter must be unchanged before its instance counts as
	// dead. No guarantee depends on it: a holder's work past its lease is fenced by
	// the epoch, or is a copy. A beat waits behind its own batch. That batch may wait
	// until the server ends a paused instance's transaction (3 s). leaseTime is well
	// above this wait.
	leaseTime = 8 * time.Second
	// leaseLooks is how many looks must also have found the counter unchanged. After a
	// database outage for all instances, each of them has time to beat again.
	leaseLooks = 3
	// leaveTime is how long a shard that is given back waits for its calls and
	// records in flight.
	leaveTime = 10 * time.Second
)

// errNameTaken is returned while a newer process runs under this one's name. The
// operator must give one of the two another name.
var errNameTaken = errors.New("INSTANCE_ID is in use by another process")

// leases are the shards whose work this process does. Each instance increments a
// counter. A counter that is unchanged for leaseTime, by the clock of the process that
// looks, marks its instance as dead, and that instance's shards are free. No process
// compares the clocks of two hosts.
type leases struct {
	db         *store.DB
	instance   string
	process    string   // names this process
	repeatable []string // calls that may be made again: see adopt

	entered bool            // the instances table has this process
	beats   int64           // the last count
	seen    map[string]beat // each instance's last count, and when it changed
	heard   time.Time       // when this instance's beat was last committed
	others  atomic.Bool     // another instance was alive at the last look

	mu      sync.Mutex
	held    [shards]int64     // the epoch of each shard; 0: not held
	leaving [shards]time.Time // when the return of a held shard began; zero: it is kept
}

// beat is an instance's counter, and the time when this process saw it change.
type beat struct {
	process string
	count   int64
	since   time.Time
	looks   int // how many have read it unchanged
}

// lease is a shard's lease as the database holds it.
type lease struct {
	shard  int
	holder string // an instance; empty: given back
	epoch  int64  // raised with each new holder
}

// working returns the epochs of the shards in which new work may begin: the shards that
// are held and not being given back. The epoch of any other shard is 0.
func (l *leases) working() [shards]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	epochs := l.held
	for shard, since := range l.leaving {
		if !since.IsZero() {
			epochs[shard] = 0
		}
	}
	return epochs
}

// count returns how many shards are held and not being given back.
func (l *leases) count() int { return len(l.set()) }

// set returns each such shard and its epoch. A follower's query is joined with them.
func (l *leases) set() []string {
	var set []string
	for shard, epoch := range l.working() {
		if epoch != 0 {
			set = append(set, fmt.Sprintf("%d:%d", shard, epoch))
		}
	}
	return set
}

// changes counts the shards that a look took, lost, and began to give back.
type changes struct{ taken, lost, leaving int }

// fairShare returns how many shards each instance may hold, such that all are held.
func fairShare(instances int) int { return (shards + instances - 1) / instances }

// look beats once, drops the lost shards, and takes free shards up to a fair share. It
// gives back the shards above a fair share, once they are quiet or leaveTime is over.
func (l *leases) look(ctx context.Context, quiet func(shard int) bool) (c changes, err error) {
	var taken []lease
	err = l.transact(ctx, func(ctx context.Context, tx *store.Tx) error {
		live, rows, err := l.read(ctx, tx)
		if err != nil {
			return err
		}
		var free []lease
		for _, r := range rows {
			held := l.held[r.shard]
			switch mine := held != 0 && held == r.epoch && r.holder == l.instance; {
			case held != 0 && !mine:
				l.drop(r.shard)
				c.lost++
			case !mine && (r.holder == l.instance || !live[r.holder]):
				free = append(free, r)
			}
		}
		fair := fairShare(len(live))
		c.leaving = l.giveBack(tx, fair, quiet)
		for i, r := range free {
			if i < fair-l.count() {
				continue
			}
			// An earlier process of this name may have held it, or this process
			// before it lost contact with the database.
			tx.Queue(nil, releaseShard, r.shard, l.instance, r.epoch)
		}
		taken, err = l.take(ctx, tx, free[:max(0, min(len(free), fair-l.count()))])
		return err
	})
	if err != nil {
		return c, err
	}
	l.entered, l.heard = true, time.Now()
	if len(taken) > 0 {
		err = l.adopt(ctx, taken)
		c.taken = len(taken)
	}
	return c, err
}

// read beats, and reads the live instances and the holders of the leases. It deletes
// dead instances. A process alone with its database does not beat.
func (l *leases) read(ctx context.Context, tx *store.Tx) (live map[string]bool, rows []lease, err error) {
	every := make([]string, shards)
	for shard := range every {
		every[shard] = strconv.Itoa(shard)
	}
	leaseRows.Load(tx, `CAST(shard AS TEXT) IN ({keys}) ORDER BY shard`, every, func(r *lease) { rows = append(rows, *r) })
	err = tx.Flush(ctx)
	live = map[string]bool{l.instance: true}
	if err != nil || !tx.Shared() {
		return live, rows, err
	}
	// The count always grows, even if another instance deleted the row. The name
	// belongs to this process, unless a newer process has taken it.
	l.beats = max(l.beats+1, time.Now().UnixMicro())
	entering, found, dead := !l.entered, false, []string(nil)
	err = tx.Each(ctx, func(scan scanner) error { found = true; return scan(new(string)) }, `INSERT INTO instances (id, process, beat) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET process = excluded.process, beat = excluded.beat
		WHERE CAST(? AS INTEGER) = 1 OR instances.process = excluded.process RETURNING id`, l.instance, l.process, l.beats, entering)
	if err == nil && !found {
		err = errNameTaken
	}
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]beat{}
	err = tx.Each(ctx, func(scan scanner) error {
		var id string
		b := beat{since: time.Now()}
		err := scan(&id, &b.process, &b.count)
		if was, met := l.seen[id]; met && was.process == b.process && was.count == b.count {
			b.since, b.looks = was.since, was.looks+1
		}
		if seen[id] = b; time.Since(b.since) < leaseTime || b.looks < leaseLooks {
			live[id] = true
		} else {
			dead = append(dead, id)
		}
		return err
	}, `SELECT id, process, beat FROM instances`)
	if err != nil {
		return nil, nil, err
	}
	onKeys(tx, `DELETE FROM instances WHERE id IN ({keys})`, dead)
	l.seen = seen
	l.others.Store(len(live) > 1)
	return live, rows, nil
}

// drop forgets a shard. In the database, this instance may still be its holder. A look
// then takes the shard again, under a new epoch, or releases it.
func (l *leases) drop(shard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[shard], l.leaving[shard] = 0, time.Time{}
}

// dropStale drops all shards once no beat of this instance was committed for leaseTime,
// the time that other instances wait. It returns how many shards it dropped.
func (l *leases) dropStale() (lost int) {
	for shard, epoch := range l.held {
		if epoch != 0 && time.Since(l.heard) >= leaseTime {
			l.drop(shard)
			lost++
		}
	}
	return lost
}
