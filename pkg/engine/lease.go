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

// shards is how many parts the keys are divided into. What follows a commit
// (publishing, calls, timers, retries of parked lanes) is done, for all keys of
// a shard, by the one process that holds its lease.
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
	// leaseTime is how long a counter stands still before its instance counts as
	// dead. Nothing is safe because of it: what a holder does past its lease is
	// refused by the epoch, or is a copy. It is well above what a batch may wait
	// for a paused instance's transaction to be ended by the server (3 s), since a
	// beat waits behind its own batch.
	leaseTime = 8 * time.Second
	// leaseLooks is how many looks must have found a counter unchanged besides. After
	// an outage of the database for all, each has time to beat again.
	leaseLooks = 3
	// leaveTime is how long a shard that is given back waits for the calls under way.
	leaveTime = 10 * time.Second
)

// errNameTaken is returned while a newer process runs under this one's name. The
// operator must give one of the two another name.
var errNameTaken = errors.New("INSTANCE_ID is in use by another process")

// leases are the shards whose work this process does. Each instance counts a
// counter up; one that stands still for leaseTime, by the clock of the process that
// looks, is dead, and its shards are free. Nobody compares the clocks of two hosts.
type leases struct {
	db         *store.DB
	instance   string
	process    string   // names this process
	repeatable []string // calls that may be made again: see adopt

	entered bool            // the instances table has this process
	beats   int64           // the last count
	seen    map[string]beat // the instances, as they were last seen to change
	heard   time.Time       // when the database last took this instance's beat
	others  atomic.Bool     // another instance was alive at the last look

	mu      sync.Mutex
	held    [shards]int64     // under which epoch; 0: not held
	leaving [shards]time.Time // since when a shard that is held is being given back
}

// beat is an instance's counter, and when this process saw it change.
type beat struct {
	process string
	count   int64
	since   time.Time
	looks   int // that have found it unchanged
}

// lease is a shard's lease as the database has it.
type lease struct {
	shard  int
	holder string // an instance; empty: given back
	epoch  int64  // raised with each new holder
}

// working returns the epochs of the shards in which something new may be begun:
// those that are held and not being given back. 0: of no such shard.
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

// count is how many shards are held and not being given back.
func (l *leases) count() int { return len(l.set()) }

// set is what a follower's reading is joined with: each shard and its epoch.
func (l *leases) set() []string {
	var set []string
	for shard, epoch := range l.working() {
		if epoch != 0 {
			set = append(set, fmt.Sprintf("%d:%d", shard, epoch))
		}
	}
	return set
}

// changes are what a look found and did, in shards.
type changes struct{ taken, lost, leaving int }

// fairShare is how many shards an instance may hold: as many as leave none without one.
func fairShare(instances int) int { return (shards + instances - 1) / instances }

// look beats once, forgets what is lost, gives back what is above a fair share and
// quiet, and takes what is free, up to a fair share.
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
			// An earlier process of this name held it, or this one before it lost
			// sight of the database.
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

// read beats, and reads which instances live and who holds what. Instances that are
// dead are forgotten. A process alone with its database has nobody to beat for.
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
	// The count never stands still, also where the row was forgotten. The name is
	// this process's, unless a newer one has it now.
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

// drop forgets a shard. The database may still hold it for this instance; a look
// takes it back from there, under a new epoch.
func (l *leases) drop(shard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[shard], l.leaving[shard] = 0, time.Time{}
}

// dropStale forgets everything once the database has not heard of this instance
// for longer than others wait. It reports how many shards were held.
func (l *leases) dropStale() (lost int) {
	for shard, epoch := range l.held {
		if epoch != 0 && time.Since(l.heard) >= leaseTime {
			l.drop(shard)
			lost++
		}
	}
	return lost
}
