package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// shards is how many parts the keys are divided into. What follows a commit
// (publishing, calls, timers, retries of parked lanes) is done, for all keys of
// a shard, by the one instance that holds its lease.
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
	leaseEvery = time.Second
	// leaseTime is how long a lease outlives its holder's last word. Nothing
	// is safe because of it: what a holder does past its lease is refused by
	// the epoch, or is a copy. It only says how long others leave it alone. It is
	// well above what a batch may wait for a paused instance's transaction to be
	// ended by the server (3 s): a look waits behind its own batch.
	leaseTime = 8 * time.Second
	// lookTime bounds one look.
	lookTime = 5 * time.Second
	// leaveTime is how long a shard that is given back waits for the calls
	// under way.
	leaveTime = 10 * time.Second
)

// errNameTaken is returned when a newer process runs under this one's name.
var errNameTaken = errors.New("another process runs under this INSTANCE_ID; it must be one of its own for each instance")

// leases are the shards that an instance holds.
type leases struct {
	db       *store.DB
	instance string
	process  string
	entered  bool // the instances table has this process
	held     [shards]int64
	leaving  [shards]time.Time // since when a shard that is held is being given back
}

// outcome of a look at the leases.
type leaseChange struct {
	gained  map[int]int64 // with their epochs
	lost    []int
	surplus int  // how many shards this instance holds above its fair share
	alone   bool // no other instance is alive
}

// look says that this instance is alive, renews what it holds, gives back what
// is quiet, and takes what is free, up to its fair share. One transaction;
// nothing is taken when another instance is looking just now.
func (l *leases) look(ctx context.Context, quiet func(shard int) bool) (leaseChange, error) {
	tx, err := l.db.Begin(ctx)
	if err != nil {
		return leaseChange{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime) // from here on: it may have waited for a batch
	defer cancel()
	next := *l // taken over once it is committed
	change, err := next.lookIn(ctx, tx, quiet)
	if err != nil {
		tx.Rollback(err)
		return leaseChange{}, fmt.Errorf("look at leases: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return leaseChange{}, fmt.Errorf("look at leases: %w", err)
	}
	*l = next
	return change, nil
}

func (l *leases) lookIn(ctx context.Context, tx *store.Tx, quiet func(int) bool) (leaseChange, error) {
	change := leaseChange{gained: map[int]int64{}}
	now, err := l.enter(ctx, tx)
	if err != nil {
		return change, err
	}
	if change.lost, err = l.renew(ctx, tx, now); err != nil {
		return change, err
	}
	if err := l.giveBack(ctx, tx, quiet); err != nil {
		return change, err
	}
	var turn bool
	var live int
	err = tx.Each(ctx, func(scan scanner) error { return scan(&turn, &live) },
		`SELECT {turn}, (SELECT count(*) FROM instances WHERE until > ?)`, now)
	if err != nil {
		return change, err
	}
	change.alone = live <= 1
	fair := (shards + live - 1) / live
	change.surplus = l.count() - fair
	if !turn || change.surplus >= 0 {
		return change, nil
	}
	return change, l.take(ctx, tx, now, -change.surplus, change.gained)
}

// enter says that this instance is alive, and returns the database's time.
func (l *leases) enter(ctx context.Context, tx *store.Tx) (now int64, err error) {
	entered := 0
	if l.entered { // the name is this process's, unless a newer one has it now
		entered = 1
	}
	found := false
	err = tx.Each(ctx, func(scan scanner) error { found = true; return scan(&now) },
		`INSERT INTO instances (id, process, until) VALUES (?, ?, {now} + ?)
			ON CONFLICT (id) DO UPDATE SET process = excluded.process, until = excluded.until
			WHERE CAST(? AS INTEGER) = 0 OR instances.process = excluded.process OR instances.until < {now}
			RETURNING until`, l.instance, l.process, leaseTime.Microseconds(), entered)
	if err == nil && !found {
		err = errNameTaken
	}
	l.entered = true
	return now - leaseTime.Microseconds(), err
}

// renew keeps what this process holds, and returns what it does not hold any
// more: another instance found it past its time.
func (l *leases) renew(ctx context.Context, tx *store.Tx, now int64) (lost []int, err error) {
	kept := map[int]int64{}
	err = tx.Each(ctx, func(scan scanner) error {
		var shard int
		var epoch int64
		if err := scan(&shard, &epoch); err != nil {
			return err
		}
		kept[shard] = epoch
		return nil
	}, `UPDATE leases SET until = ? WHERE holder = ? AND CAST(shard AS TEXT) IN ({keys}) RETURNING shard, epoch`,
		now+leaseTime.Microseconds(), l.instance, store.Keys(l.list()))
	for shard, epoch := range l.held {
		if epoch != 0 && kept[shard] != epoch {
			lost = append(lost, shard)
			l.held[shard], l.leaving[shard] = 0, time.Time{}
		}
	}
	return lost, err
}

// free is how a shard is given up by who still holds it.
const free = `UPDATE leases SET holder = '', until = 0 WHERE shard = ? AND holder = ? AND epoch = ?`

// giveBack frees the shards that are being left, once nothing of them is under
// way here.
func (l *leases) giveBack(ctx context.Context, tx *store.Tx, quiet func(int) bool) error {
	for shard, since := range l.leaving {
		if since.IsZero() || !quiet(shard) && time.Since(since) < leaveTime {
			continue
		}
		if _, err := tx.Exec(ctx, free, shard, l.instance, l.held[shard]); err != nil {
			return err
		}
		l.held[shard], l.leaving[shard] = 0, time.Time{}
	}
	return nil
}

// take takes free shards, first those that an earlier process of this name
// held: it is gone, and a restart need not wait until they run out.
//
// The lock on a taken row waits for no one (SKIP LOCKED), and no one's commit is
// overtaken: a batch that writes a result under the old epoch holds a share of
// the row until it has committed, so the row is skipped until then.
//
//	A reads epoch 5, and pauses ─ B takes the shard (epoch 6) ─ A writes a result: refused
//	A's batch reads epoch 5 ─ B skips the row ─ A commits ─ B takes the shard, and finds the result
func (l *leases) take(ctx context.Context, tx *store.Tx, now int64, most int, gained map[int]int64) error {
	var found []string
	err := tx.Each(ctx, func(scan scanner) error {
		var shard string
		err := scan(&shard)
		found = append(found, shard)
		return err
	}, `SELECT CAST(shard AS TEXT) FROM leases WHERE (holder = ? OR until < ?) AND CAST(shard AS TEXT) NOT IN ({keys})
		ORDER BY holder = ? DESC, shard LIMIT ? {free}`, l.instance, now, store.Keys(l.list()), l.instance, most)
	if err != nil || len(found) == 0 {
		return err
	}
	return tx.Each(ctx, func(scan scanner) error {
		var shard int
		var epoch int64
		if err := scan(&shard, &epoch); err != nil {
			return err
		}
		l.held[shard], gained[shard] = epoch, epoch
		return nil
	}, `UPDATE leases SET holder = ?, epoch = epoch + 1, until = ? WHERE CAST(shard AS TEXT) IN ({keys}) RETURNING shard, epoch`,
		l.instance, now+leaseTime.Microseconds(), store.Keys(found))
}

// leave gives up everything, so that the others need not wait for it to run out.
func (l *leases) leave(ctx context.Context) error {
	tx, err := l.db.Begin(ctx)
	if err != nil {
		return err
	}
	for shard, epoch := range l.held {
		if epoch == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, free, shard, l.instance, epoch); err != nil {
			tx.Rollback(err)
			return err
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM instances WHERE id = ? AND process = ?`, l.instance, l.process); err != nil {
		tx.Rollback(err)
		return err
	}
	return tx.Commit()
}

// shed begins to give back n shards, and returns them.
func (l *leases) shed(n int) (left []int) {
	for shard := shards - 1; shard >= 0 && len(left) < n; shard-- {
		if l.held[shard] != 0 && l.leaving[shard].IsZero() {
			l.leaving[shard] = time.Now()
			left = append(left, shard)
		}
	}
	return left
}

// drop forgets what is held, and returns it. The database may still hold it for
// this instance; the next look takes it back from there, under a new epoch.
func (l *leases) drop() (lost []int) {
	for shard, epoch := range l.held {
		if epoch != 0 {
			lost = append(lost, shard)
		}
	}
	l.held, l.leaving = [shards]int64{}, [shards]time.Time{}
	return lost
}

func (l *leases) list() []string {
	held := []string{}
	for shard, epoch := range l.held {
		if epoch != 0 {
			held = append(held, strconv.Itoa(shard))
		}
	}
	return held
}

// count is how many shards are held and not being left.
func (l *leases) count() (n int) {
	for shard, epoch := range l.held {
		if epoch != 0 && l.leaving[shard].IsZero() {
			n++
		}
	}
	return n
}
