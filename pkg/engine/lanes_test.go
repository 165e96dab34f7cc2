package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// A long lane drains a hundred rows at a time, in order, and other keys do not wait
// for it.
func TestLongLaneDrainsInOrderBesideOthers(t *testing.T) {
	w := newWorld(t)
	w.bound = 1 << 30
	w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: 5}
	w.broken.Store(true)
	p := w.start()
	const long = 20_000
	p.add("k", 0, "broken")
	for i := range int64(long - 1) {
		p.add("k", i+1, "silent")
	}
	p.taken()
	equal(t, "parked", w.count("parked"), strconv.Itoa(long))
	p.stop()
	w.broken.Store(false)
	var deletes atomic.Int64
	w.db.CountStatements(func(query string) {
		if strings.Contains(query, "DELETE FROM parked") {
			deletes.Add(1)
		}
	})
	p = w.start()
	began := time.Now()
	var half time.Duration
	var waits []time.Duration
	for n := int64(0); ; n++ {
		left, err := strconv.Atoi(w.count("parked"))
		if err != nil {
			t.Fatal(err)
		}
		if left <= long/2 && half == 0 {
			half = time.Since(began)
		}
		if left == 0 {
			break
		}
		sent := time.Now()
		key := fmt.Sprintf("other%d", n)
		p.add(key, n, "")
		eventually(t, "another key is handled", func() bool { return w.trail(key) == fmt.Sprint(n) })
		waits = append(waits, time.Since(sent))
	}
	all := time.Since(began)
	want := make([]string, long)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	equal(t, "in order", w.trail("k") == strings.Join(want, " "), true)
	if len(waits) < 10 {
		t.Errorf("%d others were handled before the lane was drained", len(waits))
	}
	if n := deletes.Load(); n > long/20 { // of a hundred rows in one batch, three statements
		t.Errorf("%d statements deleted %d rows: they come one by one", n, long)
	}
	slices.Sort(waits)
	t.Logf("%d rows in %v (half in %v), %.0f a second; %d other keys meanwhile, median %v, worst %v",
		long, all, half, long/all.Seconds(), len(waits), waits[len(waits)/2], waits[len(waits)-1])
}

// What nobody can read costs the same however much of it waits on its lane. A lane of
// a hundred thousand is held against one of none, each with a batch per record, and
// another topic is heard meanwhile.
func TestLongUnreadableLaneCostsTheSamePerRecord(t *testing.T) {
	w := newWorld(t)
	w.park = engine.ParkPolicy{Delay: 20 * time.Millisecond, Attempts: 1 << 30} // it is tried all the time
	p := w.start()
	unreadable := func(key string) {
		r := w.record(Added{Tally: key, Amount: 1}, fmt.Sprint(w.offsets["feeder.events"]), 0)
		r.Value = []byte("no datum")
		p.send(r)
	}
	hundred := func(key string) time.Duration {
		began := time.Now()
		for n := range 100 {
			unreadable(key)
			other := fmt.Sprintf("%s-%d", key, n)
			p.send(w.record(Closed{Tally: other}, other, 1))
			eventually(t, "another topic is heard", func() bool { return w.trail(other) == "0" })
		}
		return time.Since(began)
	}
	unreadable("long")
	p.taken()
	const long = 100_000
	w.exec(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ` + strconv.Itoa(long) + `)
		INSERT INTO parked (lane, key, n, input_id, input, cause, attempts, dead, due, shard)
		SELECT lane, key, 1000 + c.n, 'x' || c.n, input, '', 0, 0, 4611686018427387904, shard FROM parked, c WHERE parked.key = 'long'`)
	w.exec(`UPDATE streams SET made = made + ` + strconv.Itoa(2*long) + ` WHERE key = 'long'`)
	short := hundred("short")
	took := hundred("long")
	if took > 4*short {
		t.Errorf("a hundred took %v on an empty lane and %v on a long one", short, took)
	}
	equal(t, "parked", w.count("parked"), strconv.Itoa(long+201))
	t.Logf("a hundred took %v on an empty lane, %v on one of %d", short, took, long)
}
