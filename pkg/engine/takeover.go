package engine

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// take takes free shards. Each must still be as it was read.
//
// The statement waits for no lock on a lease (SKIP LOCKED), and overtakes no commit. A
// batch that writes a result under the old epoch holds a share lock on the row until its
// commit. Until then the statement skips the row. A plain UPDATE would not wait: it
// changes no key, so it does not conflict with that lock (FOR KEY SHARE).
//
//	A reads epoch 5, and pauses ─ B takes the shard (epoch 6) ─ A writes a result: refused
//	A's batch locks epoch 5 ─ B skips the row ─ A commits the result ─
//	B takes the shard, and sees the result
func (l *leases) take(ctx context.Context, tx *store.Tx, free []lease) (taken []lease, err error) {
	if len(free) == 0 {
		return nil, nil
	}
	wanted := make([]string, len(free))
	for i, r := range free {
		wanted[i] = fmt.Sprintf("%d:%d", r.shard, r.epoch)
	}
	err = tx.Each(ctx, func(scan scanner) error {
		var r lease
		err := scan(leaseRows.Fields(&r)...)
		taken = append(taken, r)
		return err
	}, `WITH unlocked AS MATERIALIZED (SELECT shard FROM leases WHERE CAST(shard AS TEXT) || ':' || CAST(epoch AS TEXT) IN ({keys}) ORDER BY shard {free})
		UPDATE leases SET holder = ?, epoch = epoch + 1 WHERE shard IN (SELECT shard FROM unlocked) RETURNING shard, holder, epoch`, store.Keys(wanted), l.instance)
	return taken, err
}

// adoptRows is how many calls one transaction marks.
const adoptRows = 5000

// adopt takes over the work that the shards' last holder may have begun. Only then do
// the shards count as held. The last holder may have made any open call, so adopt marks
// each call that is repeatable. It retries each lane once more, since the cause of its
// failure may be mended by now.
//
// adopt has transactions of its own, after the one that took the shards:
//
//	a batch commits a call ─ A reads it, and makes it ─ B takes the shard ─
//	B marks every call that it sees
//
// A reads no call after B's commit, since its query is joined with the epoch. So B sees
// every call that A has read when B marks. If adopt fails, the next look takes the shards
// again, under another epoch.
func (l *leases) adopt(ctx context.Context, taken []lease) error {
	names := make([]string, len(taken))
	for i, r := range taken {
		names[i] = strconv.Itoa(r.shard)
	}
	// Marked calls stay marked, however many there are.
	for marked := adoptRows; marked == adoptRows; {
		if err := l.transact(ctx, func(ctx context.Context, tx *store.Tx) error {
			marked = 0
			return tx.Each(ctx, func(scan scanner) error { marked++; return scan(new(string)) }, `UPDATE effects SET started = 1 WHERE id IN (SELECT id FROM effects
				WHERE started = 0 AND CAST(shard AS TEXT) IN ({keys}) AND name IN ({keys}) LIMIT ?) RETURNING id`, store.Keys(names), store.Keys(l.repeatable), adoptRows)
		}); err != nil {
			return err
		}
	}
	if err := l.transact(ctx, func(ctx context.Context, tx *store.Tx) error {
		onKeys(tx, `UPDATE parked SET due = 0 WHERE (lane, key, n) IN
			(SELECT lane, key, min(n) FROM parked WHERE CAST(shard AS TEXT) IN ({keys}) GROUP BY lane, key)`, names)
		return nil
	}); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range taken {
		l.held[r.shard] = r.epoch
	}
	return nil
}

// releaseShard gives up a shard of the instance that holds it.
const releaseShard = `UPDATE leases SET holder = '' WHERE shard = ? AND holder = ? AND epoch = ?`

// giveBack releases the shards that it is leaving, once they are quiet or leaveTime has
// passed. It begins to leave the shards above a fair share, and returns their number.
func (l *leases) giveBack(tx *store.Tx, fair int, quiet func(int) bool) (began int) {
	surplus := l.count() - fair
	for shard := shards - 1; shard >= 0; shard-- {
		switch since := l.leaving[shard]; {
		case l.held[shard] == 0:
		case since.IsZero() && began < surplus:
			l.mu.Lock()
			l.leaving[shard] = time.Now()
			l.mu.Unlock()
			began++
		case !since.IsZero() && (quiet(shard) || time.Since(since) >= leaveTime):
			tx.Queue(nil, releaseShard, shard, l.instance, l.held[shard])
			l.drop(shard)
		}
	}
	return began
}

// leave gives up every lease and deletes the instance, so that the others need not wait
// for its expiry.
func (l *leases) leave(ctx context.Context) error {
	return l.transact(ctx, func(ctx context.Context, tx *store.Tx) error {
		for shard, epoch := range l.held {
			tx.Queue(nil, releaseShard, shard, l.instance, epoch)
		}
		tx.Queue(nil, `DELETE FROM instances WHERE id = ? AND process = ?`, l.instance, l.process)
		return nil
	})
}

// transact runs one step in a transaction of its own.
func (l *leases) transact(ctx context.Context, step func(context.Context, *store.Tx) error) error {
	// A database that never answers must not keep the one connection.
	ctx, end := context.WithTimeout(ctx, transactTime+leaseTime)
	defer end()
	tx, err := l.db.Begin(ctx)
	if err == nil {
		// The time counts from here: Begin may have waited for a batch.
		bounded, cancel := context.WithTimeout(ctx, leaseTime/2)
		defer cancel()
		if err = step(bounded, tx); err != nil {
			tx.Rollback(err)
		} else {
			err = tx.Commit(bounded)
		}
	}
	if err != nil {
		return fmt.Errorf("look at leases: %w", err)
	}
	return nil
}
