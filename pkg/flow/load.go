package flow

import (
	"context"
	"slices"
	"sort"
	"strconv"

	"github.com/quintet-eda/quintet/pkg/store"
)

// load reads everything that the batch is about, in the lock order of every
// batch: positions, keys, the kit's rows of them, and last the participant's
// states, which may share rows between keys.
func (e *Engine[S]) load(ctx context.Context, tx *store.Tx, w *work) (Unit[S], error) {
	if err := w.load(ctx, tx); err != nil {
		return nil, err
	}
	return e.Store.Load(ctx, tx, reacting(w.inputs)) // what only parks must not fail over its state again
}

// load reads the kit's rows that the batch is about, in the lock order that
// every batch of every instance keeps: new rows first (see lockNew), then
// positions, leases, keys.
func (w *work) load(ctx context.Context, tx *store.Tx) error {
	var claims, events, effects, timers, commands []string
	asked := map[*Claim]bool{} // a batch has many records of few partitions
	ask := func(c *Claim) {
		if c != nil && !asked[c] {
			asked[c] = true
			claims = append(claims, c.key())
		}
	}
	for _, in := range w.inputs {
		ask(in.claim)
		for _, c := range in.claims {
			ask(c)
		}
		switch {
		case in.Kind == KindEvent:
			events = append(events, in.ID)
		case in.effectID != "":
			effects = append(effects, in.effectID)
		case in.Kind == KindTimer:
			timers = append(timers, timerID{in.Key, in.Name}.String())
		case in.command != nil && in.command.key != "":
			commands = append(commands, in.command.key)
		}
	}
	keys := w.keys()
	if w.writer != "" { // other processes write here too
		if err := w.lockNew(ctx, tx, keys); err != nil {
			return err
		}
	}
	if err := w.loadPositions(ctx, tx, claims); err != nil {
		return err
	}
	if err := w.loadEpochs(ctx, tx); err != nil {
		return err
	}
	for _, step := range []struct {
		keys []string
		load func(context.Context, *store.Tx, any) error
	}{
		{keys, w.loadStreams},
		{events, w.loadInbox},
		{keys, w.loadParked},
		{effects, w.loadEffects},
		{timers, w.loadTimers},
		{commands, w.loadCommands},
	} {
		if len(step.keys) == 0 {
			continue
		}
		if err := step.load(ctx, tx, store.Keys(step.keys)); err != nil {
			return err
		}
	}
	return nil
}

type scanner = func(dst ...any) error

// keys are those whose rows the batch locks, sorted.
func (w *work) keys() []string {
	about := make([]*Input, 0, len(w.inputs))
	for _, in := range w.inputs {
		if ignored := in.Kind == KindEvent && in.Body == nil && in.unreadable == nil && in.parkedN == 0; !ignored && usable(in.Key) {
			about = append(about, in)
		}
	}
	keys := Keys(about)
	sort.Strings(keys)
	return keys
}

// lockNew makes the rows that will be locked and do not exist yet. A row that
// is not there cannot be locked, so without it two instances could both meet a
// new key, and neither wait for the other.
//
// No two batches wait for each other. Here a batch waits only for one that made
// the same row, in the order of the keys; having made its own it waits below,
// in the order of the keys, for those that hold a row. A batch that waits here
// holds no row that was there before, so nobody who waits below waits for it.
func (w *work) lockNew(ctx context.Context, tx *store.Tx, keys []string) error {
	var claims []string
	for _, in := range w.inputs {
		for _, c := range in.claims {
			claims = append(claims, c.key())
		}
	}
	if len(claims) > 0 {
		if _, err := tx.Exec(ctx, `INSERT INTO positions (claim, next_offset, epoch)
			SELECT key, 0, 0 FROM ({keys}) AS new WHERE true ORDER BY key ON CONFLICT (claim) DO NOTHING`, store.Keys(claims)); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return tx.Each(ctx, func(scan scanner) error {
		var key string
		if err := scan(&key); err != nil {
			return err
		}
		w.created[key] = true
		return nil
	}, `INSERT INTO streams (key, emitted, made, seen, correlation, tenant)
		SELECT key, 0, 0, '', '', '' FROM ({keys}) AS new WHERE true ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING key`, store.Keys(keys))
}

// loadEpochs shares the leases until the commit, so that nobody takes a shard
// over between this look and the writing of a result.
func (w *work) loadEpochs(ctx context.Context, tx *store.Tx) error {
	var fences []string
	for _, in := range w.inputs {
		if shard := strconv.Itoa(shardOf(in.Key)); in.epoch != 0 && w.writer != "" && !slices.Contains(fences, shard) {
			fences = append(fences, shard)
		}
	}
	if len(fences) == 0 {
		return nil
	}
	return tx.Each(ctx, func(scan scanner) error {
		var shard int
		var epoch int64
		if err := scan(&shard, &epoch); err != nil {
			return err
		}
		w.epochs[shard] = epoch
		return nil
	}, `SELECT shard, epoch FROM leases WHERE CAST(shard AS TEXT) IN ({keys}) ORDER BY shard {share}`, store.Keys(fences))
}

// fenced reports whether an input comes from a call whose lease another
// instance has taken over.
func (w *work) fenced(in *Input) bool {
	return in.epoch != 0 && w.writer != "" && w.epochs[shardOf(in.Key)] != in.epoch
}

func (w *work) loadPositions(ctx context.Context, tx *store.Tx, claims []string) error {
	if len(claims) == 0 {
		return nil
	}
	return tx.Each(ctx, func(scan scanner) error {
		var p position
		if err := scan(&p.claim, &p.next, &p.epoch); err != nil {
			return err
		}
		w.positions[p.claim] = &p
		return nil
	}, `SELECT claim, next_offset, epoch FROM positions WHERE claim IN ({keys}) ORDER BY claim {lock}`, store.Keys(claims))
}

func (w *work) loadStreams(ctx context.Context, tx *store.Tx, keys any) error {
	return tx.Each(ctx, func(scan scanner) error {
		s := stream{seen: map[string]int64{}}
		var seen string
		if err := scan(&s.key, &s.emitted, &s.made, &seen, &s.correlation, &s.tenant, &s.writer); err != nil {
			return err
		}
		s.readSeen(seen)
		w.streams[s.key] = &s
		return nil
	}, `SELECT key, emitted, made, seen, correlation, tenant, writer FROM streams WHERE key IN ({keys}) ORDER BY key {lock}`, keys)
}

func (w *work) loadInbox(ctx context.Context, tx *store.Tx, ids any) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id, status string
		if err := scan(&id, &status); err != nil {
			return err
		}
		w.inbox[id] = status
		return nil
	}, `SELECT id, status FROM inbox WHERE id IN ({keys})`, ids)
}

func (w *work) loadParked(ctx context.Context, tx *store.Tx, keys any) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id parkedID
		var t tried
		if err := scan(&id.source, &id.key, &id.n, &t.attempts, &t.dead); err != nil {
			return err
		}
		w.parked[id.lane] = append(w.parked[id.lane], id.n)
		w.tried[id] = t
		return nil
	}, `SELECT lane, key, n, attempts, dead FROM parked WHERE key IN ({keys}) ORDER BY n`, keys)
}

func (w *work) loadEffects(ctx context.Context, tx *store.Tx, ids any) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		w.effects[id] = true
		return nil
	}, `SELECT id FROM effects WHERE id IN ({keys})`, ids)
}

func (w *work) loadTimers(ctx context.Context, tx *store.Tx, ids any) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id timerID
		var due int64
		if err := scan(&id.key, &id.name, &due); err != nil {
			return err
		}
		w.timers[id] = due
		return nil
	}, `SELECT key, name, due FROM timers WHERE id IN ({keys})`, ids)
}

func (w *work) loadCommands(ctx context.Context, tx *store.Tx, ids any) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id string
		var a answered
		if err := scan(&id, &a.digest, &a.reply); err != nil {
			return err
		}
		w.commands[id] = a
		return nil
	}, `SELECT id, digest, reply FROM commands WHERE id IN ({keys})`, ids)
}
