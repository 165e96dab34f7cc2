package flow

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/store"
)

const (
	sweepEvery = 2 * time.Second
	readAtOnce = 500 // keys of one reading
)

// read reads what others committed for the keys of this process's shards, until
// ctx ends: when it is told so, and every sweepEvery, since who committed may
// have died before it told.
func (f *followUp[S]) read(ctx context.Context) {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	delay := f.e.Turns.newDelay()
	for {
		err := f.readAll(ctx)
		if err != nil && ctx.Err() == nil {
			f.e.trouble.set("what others committed", err)
			f.e.Log.Warn("cannot read what follows the commits of others; trying again", "error", err)
			f.e.Turns.pause(ctx, delay, "reader")
			signal(f.toRead)
		} else {
			delay = f.e.Turns.newDelay()
			f.e.trouble.clear("what others committed")
		}
		select {
		case <-sweep.C: // first: under load there is always something to read
		default:
			switch f.e.Turns.await(ctx, f.toRead, sweep.C, "read what others committed", "") {
			case ended:
				return
			case woken:
				continue
			}
		}
		if err := f.sweep(ctx); err != nil && ctx.Err() == nil {
			f.e.Log.Warn("cannot look for what was not told", "error", err)
		}
	}
}

// readAll first reads the shards that were taken, then the keys asked for.
func (f *followUp[S]) readAll(ctx context.Context) error {
	f.mu.Lock()
	taken := f.taking
	f.mu.Unlock()
	if taken != [shards]int{} {
		keys, err := f.keysOf(ctx, func(key string) bool { return taken[shardOf(key)] != 0 })
		if err != nil {
			return err
		}
		if err := f.readKeys(ctx, keys); err != nil {
			return err
		}
		f.mu.Lock()
		for shard := range taken {
			if f.taking[shard] == taken[shard] { // else it was lost and taken again meanwhile
				f.taking[shard] = 0
			}
		}
		f.mu.Unlock()
		f.e.parker.adopt()
	}
	for {
		f.mu.Lock()
		if f.taking != [shards]int{} && f.taking != taken { // taken since: their turn comes first
			f.mu.Unlock()
			signal(f.toRead)
			return nil
		}
		f.reading, f.asked = f.asked, map[string]struct{}{}
		keys := make([]string, 0, len(f.reading))
		for key := range f.reading {
			if f.epochs[shardOf(key)] != 0 {
				keys = append(keys, key)
			}
		}
		f.mu.Unlock()
		if len(keys) == 0 {
			return nil
		}
		if err := f.readKeys(ctx, keys); err != nil {
			f.ask(keys)
			return err
		}
	}
}

// readKeys hands over the rows of keys. A call that is found in the table may
// have been made by another process, unless this one has just asked for it.
func (f *followUp[S]) readKeys(ctx context.Context, keys []string) error {
	f.e.relay.reading(true)
	f.e.effects.reading(true)
	defer f.e.relay.reading(false)
	defer f.e.effects.reading(false)
	for len(keys) > 0 {
		n := min(len(keys), readAtOnce)
		some := store.Keys(keys[:n])
		f.mu.Lock()
		epochs := f.epochs // before the reading: what is lost during it is refused
		f.mu.Unlock()
		records, err := f.e.relay.rows(ctx, ` WHERE key IN ({keys})`, some)
		if err != nil {
			return err
		}
		calls, err := f.e.effects.rows(ctx, ` WHERE key IN ({keys})`, some)
		if err != nil {
			return err
		}
		timers, err := f.e.timers.rows(ctx, ` WHERE key IN ({keys})`, some)
		if err != nil {
			return err
		}
		f.e.relay.add(records, nil, nil)
		f.addCalls(calls, epochs)
		for _, key := range keys[:n] {
			for name, r := range f.e.table { // a timer that is not there was stopped by another
				if id := (timerID{key, name}); r.kind == KindTimer && timers[id] == nil {
					timers[id] = nil
				}
			}
		}
		f.e.timers.add(timers)
		keys = keys[n:]
	}
	return nil
}

func (f *followUp[S]) addCalls(calls []effectCall, epochs [shards]int64) {
	for _, c := range calls {
		shard := shardOf(c.Key)
		f.mu.Lock()
		_, fresh := f.fresh[c.ID]
		delete(f.fresh, c.ID)
		still := f.epochs[shard] == epochs[shard] && epochs[shard] != 0
		f.mu.Unlock()
		if c.recovered = !fresh; still {
			f.e.effects.add([]effectCall{c}, epochs[shard])
		}
	}
}

// keysOf lists the keys that have something to be done.
func (f *followUp[S]) keysOf(ctx context.Context, wanted func(key string) bool) ([]string, error) {
	rows, err := f.e.DB.Read().QueryContext(ctx, `SELECT key FROM outbox UNION SELECT key FROM effects UNION SELECT key FROM timers`)
	if err != nil {
		return nil, fmt.Errorf("read keys with something to be done: %w", err)
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read keys with something to be done: %w", err)
		}
		if wanted(key) {
			keys = append(keys, key)
		}
	}
	return keys, rows.Err()
}

// sweep asks for the keys of rows that this process should know and does not.
func (f *followUp[S]) sweep(ctx context.Context) error {
	rows, err := f.e.DB.Read().QueryContext(ctx, `SELECT 'outbox', id, key, 0 FROM outbox UNION ALL SELECT 'effects', id, key, 0 FROM effects
		UNION ALL SELECT 'timers', id, key, due FROM timers WHERE due < ?`, store.Micros(time.Now().Add(2*sweepEvery)))
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	defer rows.Close()
	var missed []string
	for rows.Next() {
		var table, id, key string
		var due int64
		if err := rows.Scan(&table, &id, &key, &due); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		known := table == "outbox" && f.e.relay.knows(id) || table == "effects" && f.e.effects.knows(id) || table == "timers" && f.e.timers.knows(id, due)
		if !known && f.holds(key) {
			missed = append(missed, key)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	f.e.Turns.next("swept", "")
	f.e.Metrics.missed.Add(float64(len(missed)))
	f.ask(missed)
	return nil
}

// ask has the rows of keys read.
func (f *followUp[S]) ask(keys []string) {
	if len(keys) == 0 {
		return
	}
	f.mu.Lock()
	for _, key := range keys {
		f.asked[key] = struct{}{}
	}
	f.mu.Unlock()
	signal(f.toRead)
}

// readAgain has everything read that this process should know: something may not
// have been told.
func (f *followUp[S]) readAgain() {
	f.mu.Lock()
	f.asks++
	for shard, epoch := range f.epochs {
		if epoch != 0 {
			f.taking[shard] = f.asks
		}
	}
	f.mu.Unlock()
	signal(f.toRead)
}

// doubt is what a commit of unknown outcome leaves behind. Everything is read
// again, but what that commit put out may show only after the reading:
//
//	event 7 is being committed ─ the answer is lost ─ all is read, without 7 ─ 7 is there ─ 8 follows
//
// So this process takes a new name. The rows bear the old one, as if another
// process had written them, and what follows in them reads the table. Only the
// loop calls this, which is also the only one that uses the name.
func (f *followUp[S]) doubt() {
	f.writer = uuid.NewString()
	f.readAgain()
}
