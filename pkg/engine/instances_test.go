//go:build containers

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

// These tests run several instances of the tally over one database.

// instance starts one more, over connections of its own.
func (w *world) instance(name string) *process {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), w.where)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = db.Close() })
	return w.launch(name, db, 5*time.Second)
}

// freeze lets nothing of an instance commit any more, as when it is paused. What
// it has begun goes on.
func (p *process) freeze() {
	p.db.SetFaults(store.Faults{BeforeCommit: func() error { return errors.New("frozen") }})
}

func (p *process) thaw() { p.db.SetFaults(store.Faults{}) }

// shards is how many an instance has leased.
func (p *process) shards() int { return int(p.gauge("quintet_shards_owned")) }

// balanced waits until every one of the instances has so many.
func balanced(t *testing.T, each int, ps ...*process) {
	t.Helper()
	eventually(t, fmt.Sprintf("each of %d instances holds %d shards", len(ps), each), func() bool {
		for _, p := range ps {
			if p.shards() != each {
				return false
			}
		}
		return true
	})
}

// everyKeyInOrder holds the published events against the tallies: of every key each
// sequence once, in order, none left out.
func everyKeyInOrder(t *testing.T, w *world, keys, each int) {
	t.Helper()
	records, copies := w.published("tally.events")
	next := map[string]int{}
	for _, r := range records {
		next[r.Key]++
		if got := header(r, "ce_sequence"); got != strconv.Itoa(next[r.Key]) {
			t.Errorf("%s: event %s is published where %d is due", r.Key, got, next[r.Key])
		}
	}
	equal(t, "keys", len(next), keys)
	for key, n := range next {
		equal(t, "events of "+key, n, each)
	}
	t.Logf("%d events, %d copies", len(records), copies)
}

func TestInstancesShareWorkAndKeepKeyOrder(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	rang := map[string]int{}
	w.callHandlers = []flow.CallHandler{ring(func(_ context.Context, c flow.Call, r Ring) (Rung, error) {
		mu.Lock()
		defer mu.Unlock()
		rang[c.ID]++
		return Rung{Bell: r.Bell}, nil
	})}
	a, b, c := w.instance("a"), w.instance("b"), w.instance("c")
	a.assign("feeder.events")
	b.assign("keeper.events")
	balanced(t, 4, a, b, c)
	const keys, each = 40, 12
	var feeding sync.WaitGroup
	for n := range each / 2 {
		var added, closed []*record.Record
		for k := range keys {
			key, seq := fmt.Sprintf("k%d", k), int64(n+1)
			added = append(added, w.record(Added{Tally: key, Amount: 1, Then: "all"}, fmt.Sprintf("added-%d-%d", k, n), seq))
			closed = append(closed, w.record(Closed{Tally: key, Then: "nap"}, fmt.Sprintf("closed-%d-%d", k, n), seq))
		}
		feeding.Go(func() { a.deliver("feeder.events", added) })
		feeding.Go(func() { b.deliver("keeper.events", closed) })
		feeding.Wait()
	}
	eventually(t, "everything is done", func() bool { // looked at in the order in which one follows from the other
		return w.count("inbox") == strconv.Itoa(keys*each) && w.count("effects") == "0" && w.count("outbox") == "0"
	})
	everyKeyInOrder(t, w, keys, each)
	mu.Lock()
	defer mu.Unlock()
	equal(t, "calls", len(rang), keys*each/2)
	for id, n := range rang {
		equal(t, "attempts of "+id, n, 1)
	}
}

func (p *process) deliver(topic string, records []*record.Record) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, r := range records {
		if err := p.engine.Enqueue(ctx, p.claims[topic], r); err != nil {
			p.t.Error(err)
		}
	}
}

func TestSameCommandAtTwoInstancesAppliesOnce(t *testing.T) {
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	const each = 300
	askAll(each, func() string { return "c" }, a, b)
	equal(t, "total", w.one(`SELECT total FROM tallies WHERE key = 'c'`), strconv.Itoa(each))
}

// askAll has each process take the same commands, all at once.
func askAll(commands int, key func() string, processes ...*process) {
	var asking sync.WaitGroup
	for _, p := range processes {
		p.taking()
		for i := range commands {
			asking.Go(func() {
				if _, err := p.engine.Submit(p.t.Context(), engine.Command{Key: key(), Body: Add{1}, IdempotencyKey: fmt.Sprintf("once-%d", i)}); err != nil {
					p.t.Error(err)
				}
			})
		}
	}
	asking.Wait()
}

// Each instance gives what the command creates another name, as for an order.
func TestRepeatsAtTwoInstancesCreateOneThing(t *testing.T) {
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	const each = 300
	askAll(each, engine.NewKey, a, b)
	equal(t, "created", w.one(`SELECT count(*) FROM tallies`), strconv.Itoa(each))
	nothing := engine.Command{Key: engine.NewKey(), Body: Add{0}, IdempotencyKey: "nothing"}
	if _, err := a.engine.Submit(t.Context(), nothing); !errors.Is(err, errNothing) {
		t.Error(err)
	}
	equal(t, "answers", w.count("commands"), strconv.Itoa(each)) // a request that was refused may come again, in another form
}

func TestNewKeyAtTwoInstancesLosesNoCommand(t *testing.T) {
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	a.taking()
	b.taking()
	const keys = 200
	var asking sync.WaitGroup
	for k := range keys {
		for _, p := range []*process{a, b} {
			asking.Go(func() {
				if _, err := p.engine.Submit(t.Context(), engine.Command{Key: fmt.Sprintf("k%d", k), Body: Add{1}}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	asking.Wait()
	equal(t, "tallies of which neither command was lost", w.one(`SELECT count(*) FROM tallies WHERE total = 2`), strconv.Itoa(keys))
}

// taking waits until an instance takes commands.
func (p *process) taking() {
	p.t.Helper()
	eventually(p.t, "commands are taken", func() bool {
		_, err := p.engine.Submit(p.t.Context(), engine.Command{Key: "c", Body: Add{0}})
		return errors.Is(err, errNothing)
	})
}

func TestARefusedCommandLeavesNoRowBehind(t *testing.T) {
	w := newWorld(t)
	w.instance("a").taking() // until a command is refused for what it says
	equal(t, "rows", w.count("streams"), "0")
}

func TestCommitWakesTheOtherInstancesRelay(t *testing.T) {
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	a.assign("feeder.events")
	balanced(t, 6, a, b)
	const rounds, late = 60, 500 * time.Millisecond // half of the keys are b's; a poll comes every two seconds
	began, polled := time.Now(), 0
	for n := range rounds {
		asked := time.Now()
		a.add(fmt.Sprintf("k%d", n), 1, "")
		eventually(t, "it is published", func() bool { return len(w.log.Records()) > n })
		if time.Since(asked) > late {
			polled++
		}
	}
	t.Logf("%d events, one after the other, in %v; %d of them late", rounds, time.Since(began), polled)
	if polled > rounds/4 {
		t.Errorf("%d of %d events took longer than %v, as if they had waited for a poll", polled, rounds, late)
	}
}

// One instance commits and does not come to tell the other, whose own commits
// are the next. Half of the keys are the other's.
func TestMissedSignalDoesNotReorderEvents(t *testing.T) {
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	a.assign("feeder.events")
	b.assign("keeper.events")
	balanced(t, 6, a, b)
	var batch atomic.Bool // is committed, and not a look at the leases
	a.db.CountStatements(func(query string) { batch.Store(batch.Load() || strings.Contains(query, "INTO inbox")) })
	a.db.SetFaults(store.Faults{AfterCommit: func() error {
		if batch.Swap(false) {
			return errors.New("the answer is lost")
		}
		return nil
	}})
	const rounds, keys = 6, 10 // soon one after the other: after two seconds the other would look by itself
	for n := range rounds {
		var closed []*record.Record
		for k := range keys {
			key := fmt.Sprintf("k%d-%d", n, k)
			a.add(key, 1, "")
			closed = append(closed, w.record(Closed{Tally: key}, "closed-"+key, 1))
		}
		eventually(t, "the first events are committed", func() bool {
			return w.one(`SELECT count(*) FROM `+ownInbox+` WHERE id LIKE '%added-%'`) == strconv.Itoa((n+1)*keys)
		})
		b.send(closed...)
		b.taken()
	}
	a.die()
	eventually(t, "everything is published", func() bool { return w.count("outbox") == "0" })
	everyKeyInOrder(t, w, rounds*keys, 2)
}

// Two instances that have nothing to do but wait for the broker read no table whole.
func TestLongOutboxCostsIdleInstancesNothing(t *testing.T) {
	w := newWorld(t)
	w.openLog = func() (engine.Producer, error) { return swallowing{silent{make(chan engine.Ack)}}, nil }
	w.fillOutbox(200_000)
	a, b := w.instance("a"), w.instance("b")
	balanced(t, 6, a, b)
	ra, rb := countReads(a.db), countReads(b.db)
	polls := func(n int) {
		ta, tb := ra.count("timers")+n, rb.count("timers")+n
		eventually(t, "both look", func() bool { return ra.count("timers") >= ta && rb.count("timers") >= tb })
	}
	polls(2)
	before, cpu, began := ra.count("outbox")+rb.count("outbox"), cpuTime(), time.Now()
	polls(5)
	equal(t, "readings of the outbox", ra.count("outbox")+rb.count("outbox")-before, 0)
	t.Logf("two instances take %.1f %% of a core", 100*float64(cpuTime()-cpu)/float64(time.Since(began)))
	for _, p := range []*process{a, b} {
		p.cancel()
	}
}
