package flow

import (
	"context"
	"encoding/json"
	"time"
)

// keep keeps this instance's leases until ctx ends, and then gives them up.
func (f *followUp[S]) keep(ctx context.Context) {
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for {
		switch f.e.Turns.await(ctx, nil, tick.C, "look at leases", "") {
		case due:
			f.look(ctx)
		case ended:
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime)
			defer cancel()
			if err := f.leases.leave(ctx); err != nil {
				f.e.Log.Warn("cannot give leases up; others take them when they have run out", "error", err)
			}
			return
		}
	}
}

// look looks at the leases once, and does what follows from it.
func (f *followUp[S]) look(ctx context.Context) {
	change, err := f.leases.look(context.WithoutCancel(ctx), f.quiet)
	f.e.Turns.next("leases were looked at", "")
	if err == nil {
		f.heard = time.Now()
		f.e.trouble.clear("leases")
		f.change(change)
		return
	}
	f.e.trouble.set("leases", err)
	f.e.Log.Warn("cannot keep leases", "error", err)
	if time.Since(f.heard) > leaseTime {
		f.lose(f.leases.drop())
		f.e.Metrics.shards.Set(0)
	}
}

func (f *followUp[S]) change(c leaseChange) {
	l := &f.leases
	f.lose(c.lost)
	f.mu.Lock()
	f.alone = c.alone
	f.asks++
	for shard, epoch := range c.gained {
		f.epochs[shard], f.taking[shard] = epoch, f.asks
	}
	f.mu.Unlock()
	if len(c.gained) > 0 {
		signal(f.toRead)
	}
	if c.surplus > 0 {
		f.lose(l.shed(c.surplus))
	}
	if len(c.gained)+len(c.lost) > 0 || c.surplus > 0 {
		f.e.Log.Info("leases", "gained", len(c.gained), "lost", len(c.lost), "giving_back", max(0, c.surplus), "held", l.count())
	}
	f.e.Metrics.shards.Set(float64(l.count()))
}

// lose ends what this process does for shards. Calls under way go on to their
// answer. While the lease is still held in the database the answer counts: a
// shard that is given back is quiet before it is free.
func (f *followUp[S]) lose(lost []int) {
	if len(lost) == 0 {
		return
	}
	f.mu.Lock()
	for _, shard := range lost {
		f.epochs[shard], f.taking[shard] = 0, 0
	}
	clear(f.fresh) // not fresh any more, should the shard come back
	f.mu.Unlock()
	f.e.effects.drop(f.holds)
}

// quiet reports whether nothing of a shard is under way here.
func (f *followUp[S]) quiet(shard int) bool {
	return f.e.effects.quiet(shard) && f.e.relay.quiet(shard)
}

// maxPayload is what PostgreSQL lets one notification carry, less a little.
const maxPayload = 7900

// tell tells the other instances of what this one committed, until ctx ends.
// What gathers while one message is under way goes with the next: a message per
// commit at most, and never one per row.
func (f *followUp[S]) tell(ctx context.Context) {
	for {
		f.mu.Lock()
		m := f.untold
		f.untold = message{}
		f.mu.Unlock()
		if err := f.send(context.WithoutCancel(ctx), m); err != nil {
			f.e.Log.Warn("cannot tell the other instances; they will find it", "error", err)
		}
		if f.e.Turns.await(ctx, f.toTell, nil, "tell", "") == ended {
			return
		}
	}
}

func (f *followUp[S]) send(ctx context.Context, m message) error {
	if len(m.Keys)+len(m.Changed) == 0 {
		return nil
	}
	m.From = f.process
	payload, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(payload) > maxPayload {
		k, c := len(m.Keys)/2, len(m.Changed)/2
		if err := f.send(ctx, message{Keys: m.Keys[:k], Changed: m.Changed[:c]}); err != nil {
			return err
		}
		return f.send(ctx, message{Keys: m.Keys[k:], Changed: m.Changed[c:]})
	}
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	return f.e.DB.Signal(ctx, string(payload))
}

// hear takes another instance's message.
func (f *followUp[S]) hear(payload string) {
	f.e.Turns.next("hear", "")
	var m message
	if err := json.Unmarshal([]byte(payload), &m); err != nil {
		f.e.Log.Warn("another instance told something that cannot be read", "error", err)
		return
	}
	if m.From == f.process {
		return
	}
	var ours []string
	for _, key := range m.Keys {
		if f.holds(key) {
			ours = append(ours, key)
		}
	}
	f.ask(ours)
	if f.e.Changed != nil && len(m.Changed) > 0 {
		f.e.Changed(m.Changed)
	}
}

// changed tells those who wait here, and at another instance.
func (f *followUp[S]) changed(keys []string) {
	if f.e.Changed == nil || len(keys) == 0 {
		return
	}
	f.e.Changed(keys)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shared && !f.alone {
		f.untold.Changed = append(f.untold.Changed, keys...)
		signal(f.toTell)
	}
}
