//go:build containers

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

// These tests have one instance take over from another.

func TestADeadInstanceIsStoodInFor(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	var hold atomic.Bool
	hold.Store(true)
	w.callHandlers = []flow.CallHandler{ring(func(ctx context.Context, _ flow.Call, r Ring) (Rung, error) {
		calls.Add(1)
		if hold.Load() {
			<-ctx.Done()
			return Rung{}, ctx.Err()
		}
		return Rung{Bell: r.Bell}, nil
	})}
	a, b := w.instance("a"), w.instance("b")
	balanced(t, 6, a, b)
	a.assign("feeder.events")
	const keys = 24
	for k := range keys {
		a.add(fmt.Sprintf("k%d", k), 1, "ring")
		a.add(fmt.Sprintf("k%d", k), 300, "nap")
	}
	a.taken()
	eventually(t, "the calls are under way", func() bool { return calls.Load() >= keys })
	began := time.Now()
	a.die()
	hold.Store(false)
	b.assign("feeder.events")
	balanced(t, 12, b)
	eventually(t, "what the dead one left is done", func() bool {
		return w.count("timers") == "0" && w.count("effects") == "0" && w.count("outbox") == "0"
	})
	t.Logf("stood in for after %v", time.Since(began))
	everyKeyInOrder(t, w, keys, 2)
}

// die ends an instance as a crash does: nothing commits any more, and nothing is
// given up.
func (p *process) die() {
	p.freeze()
	p.stop()
}

func TestARestartTakesItsLeasesBackAtOnce(t *testing.T) {
	w := newWorld(t)
	a := w.instance("a")
	a.assign("feeder.events")
	balanced(t, 12, a)
	a.log.Fail(func(string) error { return errors.New("the broker is away") })
	for k := range 10 {
		a.add(fmt.Sprintf("k%d", k), 1, "")
	}
	a.taken()
	a.die()
	a.log.Fail(nil)
	began := time.Now()
	again := w.instance("a")
	balanced(t, 12, again)
	eventually(t, "what was left is published", func() bool { return w.count("outbox") == "0" })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v, as if it had waited for its own lease to run out", took)
	}
	everyKeyInOrder(t, w, 10, 1)
}

func TestAResultFromBeyondTheLeaseIsRefused(t *testing.T) {
	w := newWorld(t)
	answers := map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{})}
	var under sync.Map
	handler := func(instance string) []flow.CallHandler {
		return []flow.CallHandler{ringWith(flow.Policy{Timeout: patience}, func(ctx context.Context, _ flow.Call, r Ring) (Rung, error) {
			under.Store(instance, true)
			select {
			case <-answers[instance]:
			case <-ctx.Done():
				return Rung{}, ctx.Err()
			}
			return Rung{Bell: map[string]int64{"a": 100, "b": 200}[instance]}, nil
		})}
	}
	w.callHandlers = handler("a")
	a := w.instance("a")
	a.assign("feeder.events")
	balanced(t, 12, a)
	a.add("k", 1, "ring")
	eventually(t, "a makes the call", func() bool { _, yes := under.Load("a"); return yes })
	w.callHandlers = handler("b")
	a.freeze()
	w.instance("b")
	eventually(t, "b makes the call too", func() bool { _, yes := under.Load("b"); return yes })
	a.thaw()
	close(answers["a"])
	eventually(t, "a's result is refused", func() bool { return a.lines.count(`"outcome":"superseded"`) == 1 })
	equal(t, "trail", w.trail("k"), "1")
	close(answers["b"])
	eventually(t, "b's result counts", func() bool { return strings.HasSuffix(w.trail("k"), "rung200") })
}

func TestACallAtMostOnceIsNotBegunBeyondTheLease(t *testing.T) {
	w := newWorld(t)
	var first, more atomic.Int64
	gate := make(chan struct{})
	policy := flow.Policy{Timeout: patience, AtMostOnce: true, Attempts: 5}
	w.callHandlers = []flow.CallHandler{ringWith(policy, func(context.Context, flow.Call, Ring) (Rung, error) {
		if first.Add(1) > 1 {
			more.Add(1)
		}
		<-gate
		return Rung{}, errNotSent // so it would be made again
	})}
	a := w.instance("a")
	a.assign("feeder.events")
	balanced(t, 12, a)
	a.add("k", 1, "ring")
	eventually(t, "a makes the call", func() bool { return first.Load() == 1 })
	w.callHandlers = []flow.CallHandler{ringWith(policy, func(_ context.Context, _ flow.Call, r Ring) (Rung, error) {
		t.Error("b makes a call that a may have made")
		return Rung{Bell: r.Bell}, nil
	})}
	a.freeze()
	b := w.instance("b")
	eventually(t, "b gives it up", func() bool { return strings.HasSuffix(w.trail("k"), "rung1:gaveup:true") })
	a.thaw()
	close(gate)
	balanced(t, 6, a, b)
	equal(t, "calls of a beyond its lease", more.Load(), int64(0))
}

func TestAStopHandsTheShardsOver(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.instance("a"), w.instance("b"), w.instance("c")
	balanced(t, 4, a, b, c)
	c.stop()
	balanced(t, 6, a, b)
	b.stop()
	balanced(t, 12, a)
}

func TestAnInstanceWhoseNameIsTakenHoldsNothing(t *testing.T) {
	w := newWorld(t)
	a := w.instance("a")
	balanced(t, 12, a)
	newer := w.instance("a")
	balanced(t, 12, newer)
	eventually(t, "the older one says why", func() bool { return strings.Contains(strings.Join(a.engine.Missing(), " "), "INSTANCE_ID") })
	newer.stop()
	eventually(t, "the older one goes on once the name is free", func() bool { return len(a.engine.Missing()) == 0 && a.shards() == 12 })
}

// The database's clock is set back an hour while an instance is dead. What the
// version before left in the leases, times of that clock, then lies an hour ahead.
func TestClockSetBackHoldsNoLease(t *testing.T) {
	w := newWorld(t)
	w.exec(`CREATE SCHEMA early`)
	w.exec(`CREATE TABLE early.step (back INTERVAL NOT NULL)`)
	w.exec(`INSERT INTO early.step VALUES ('0')`)
	for _, f := range []string{"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"} {
		w.exec(`CREATE FUNCTION early.` + f + `() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.` + f + `() - back FROM early.step'`)
	}
	w.exec(`ALTER DATABASE "` + w.one(`SELECT current_database()`) + `" SET search_path = early, pg_catalog, public`)
	a, b := w.instance("a"), w.instance("b")
	balanced(t, 6, a, b)
	until := w.one(`SELECT min(until) FROM leases`)
	equal(t, "the version before is told a time", len(until), 16)
	w.log.Fail(func(string) error { return errors.New("the broker is away") })
	a.assign("feeder.events")
	for k := range 24 {
		a.add(fmt.Sprintf("k%d", k), 1, "")
	}
	a.taken()
	a.die()
	w.exec(`UPDATE early.step SET back = '1 hour'`)
	w.log.Fail(nil)
	began := time.Now()
	balanced(t, 12, b)
	took := time.Since(began)
	t.Logf("taken over after %v", took)
	if took > 20*time.Second { // a lease time, and a look before and after it
		t.Errorf("taken over after %v", took)
	}
	if now := w.one(`SELECT max(until) FROM leases`); now >= until {
		t.Errorf("the clock was not set back: %s after %s", now, until)
	}
	eventually(t, "what the dead one left is published", func() bool { return w.count("outbox") == "0" })
	everyKeyInOrder(t, w, 24, 1)
}

// A database that is out of reach for everybody makes every counter stand still.
func TestOutageForAllMovesNoShard(t *testing.T) {
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	balanced(t, 6, a, b)
	holders := `SELECT string_agg(holder, '' ORDER BY shard) FROM leases`
	before := w.one(holders)
	for _, p := range []*process{a, b} {
		p.db.SetFaults(store.Faults{Begin: func() error { return errors.New("out of reach") }})
	}
	balanced(t, 0, a, b) // each has forgotten what others may have taken by now
	a.thaw()
	b.thaw()
	balanced(t, 6, a, b)
	equal(t, "holders", w.one(holders), before)
}
