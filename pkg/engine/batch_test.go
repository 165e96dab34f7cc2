package engine_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

func TestPoisonInputInABatchOf500ParksAlone(t *testing.T) {
	w := newWorld(t)
	w.park.Delay = time.Hour
	p := w.start()
	release := p.hold()
	for i := range 500 {
		amount, key := int64(1), fmt.Sprintf("k%d", i%50)
		if i == 321 {
			amount, key = poison, "sick"
		}
		p.add(key, amount, "")
	}
	release()
	p.taken()
	equal(t, "parked rows", w.count("parked"), "1")
	equal(t, "lane", w.one(`SELECT lane || '/' || key FROM parked`), "feeder.events/sick")
	equal(t, "applied", w.one(`SELECT count(*) FROM `+ownInbox+` WHERE status = 'applied' AND id NOT LIKE '%held%'`), "499")
	equal(t, "sum", w.one(`SELECT sum(total) FROM tallies`), "499")
	equal(t, "position", w.one(`SELECT next_offset FROM positions WHERE claim = 'feeder.events/0'`), "500")
	equal(t, "inputs refused", p.metric("quintet_inputs_refused_by_database_total"), 1.0)
	p.drained()
	counted, _ := w.published("tally.events")
	equal(t, "published", len(counted), 499)
}

func TestAStoreThatPanicsOverOneInputParksItAlone(t *testing.T) {
	for _, place := range []string{"save", "load"} {
		t.Run(place, func(t *testing.T) {
			w := newWorld(t)
			w.park.Attempts = 1000
			p := w.start()
			p.add("sick", 1, "")
			p.taken()
			w.broken.Store(true)
			w.panics = func(where, key string) {
				if where == place && key == "sick" && w.broken.Load() {
					panic("over " + key)
				}
			}
			p.stop()
			p = w.start()
			for i := range int64(20) {
				p.add("well", i, "silent")
				if i == 7 {
					p.add("sick", 2, "")
				}
			}
			p.taken()
			equal(t, "total of the others", w.one(`SELECT total FROM tallies WHERE key = 'well'`), "190")
			equal(t, "the one", w.trail("sick"), "1")
			w.broken.Store(false)
			eventually(t, "the mended one is applied", func() bool { return w.trail("sick") == "1 2" })
		})
	}
}

func TestACommitOfUnknownOutcomeAppliesEventsOnce(t *testing.T) {
	for name, faults := range unknownOutcomes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.start()
			w.db.SetFaults(faults())
			for i := range int64(20) {
				p.add(fmt.Sprintf("k%d", i%4), i, "")
			}
			p.taken()
			for k := range int64(4) {
				equal(t, "trail", w.trail(fmt.Sprintf("k%d", k)), fmt.Sprintf("%d %d %d %d %d", k, k+4, k+8, k+12, k+16))
			}
			p.drained()
			equal(t, "batches of unknown outcome", p.lines.count("commit batch") >= 1, true)
			inOrder(t, w, 20)
		})
	}
}

// unknownOutcomes are a COMMIT that did not happen and one whose answer was
// lost. Each fails the first two.
func unknownOutcomes() map[string]func() store.Faults {
	twice := func() func() error {
		var n atomic.Int32
		return func() error {
			if n.Add(1) <= 2 {
				return errors.New("connection lost")
			}
			return nil
		}
	}
	return map[string]func() store.Faults{
		"it did not happen": func() store.Faults { return store.Faults{BeforeCommit: twice()} },
		"it happened":       func() store.Faults { return store.Faults{AfterCommit: twice()} },
	}
}

// inOrder checks that each key's events were published in the order of their
// sequence, by first appearance, and how many there are.
func inOrder(t *testing.T, w *world, want int) (copies int) {
	t.Helper()
	records, copies := w.published("tally.events")
	equal(t, "published", len(records), want)
	next := map[string]int64{}
	for _, r := range records {
		seq, _ := strconv.ParseInt(header(r, "ce_sequence"), 10, 64)
		if next[r.Key]++; seq != next[r.Key] {
			t.Errorf("key %s: sequence %d appears as number %d", r.Key, seq, next[r.Key])
		}
	}
	return copies
}

func TestAnEventIsAppliedOnceHoweverOftenItComes(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	again := func() {
		for i := range int64(10) {
			r := w.record(Added{Tally: "k", Amount: i}, fmt.Sprintf("id-%d", i), i+1)
			p.send(r, w.record(Added{Tally: "k", Amount: i}, fmt.Sprintf("id-%d", i), i+1))
		}
		p.taken()
	}
	again()
	p.stop()
	p = w.start()
	again()
	equal(t, "trail", w.trail("k"), "0 1 2 3 4 5 6 7 8 9")
	p.drained()
	inOrder(t, w, 10)
}

func TestARecordBelowThePositionIsNotTakenInAgain(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	old := w.record(Added{Tally: "k", Amount: 1}, "first", 1)
	p.send(old)
	p.taken()
	old.Headers[0].Value = "another id at the same place"
	p.send(old)
	p.add("k", 2, "")
	p.taken()
	equal(t, "trail", w.trail("k"), "1 2")
}

func TestAnInversionIsAppliedCountedAndAlarmed(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.send(w.record(Added{Tally: "k", Amount: 2}, "second", 2), w.record(Added{Tally: "k", Amount: 1}, "first", 1))
	p.taken()
	equal(t, "trail", w.trail("k"), "2 1")
	eventually(t, "the inversion is counted", func() bool { return p.metric("quintet_events_out_of_order_total") == 1 })
	eventually(t, "the inversion is logged as an error", func() bool { return p.lines.count("order of an owner was broken") == 1 })
}

func TestAnInversionIsCountedAcrossARestart(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.send(w.record(Added{Tally: "k", Amount: 2}, "second", 2))
	p.taken()
	p.stop()
	p = w.start()
	p.send(w.record(Added{Tally: "k", Amount: 1}, "first", 1))
	p.taken()
	eventually(t, "the inversion is counted", func() bool { return p.metric("quintet_events_out_of_order_total") == 1 })
}

func TestAnInversionIsToldThoughItParks(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	soon, late := w.record(Added{Tally: "k", Amount: 2}, "second", 2), w.record(Added{Tally: "k", Amount: 1}, "first", 1)
	late.Value = []byte("no Avro")
	p.send(soon, late)
	p.taken()
	eventually(t, "the inversion is counted", func() bool { return p.metric("quintet_events_out_of_order_total") == 1 })
	eventually(t, "it is logged beside the reason", func() bool {
		return p.lines.count(`order of an owner was broken\n`) == 1
	})
	equal(t, "parked", w.count("parked"), "1")
}

// A batch fails, the stop gives it up, and what is queued behind it must not
// commit: the position would move past the batch.
func TestAStopDuringAnOutageSkipsNothing(t *testing.T) {
	w := newWorld(t)
	p := w.startStopping(time.Millisecond)
	var commits atomic.Int32
	var batch atomic.Bool // and not a look at the leases
	w.db.CountStatements(func(query string) { batch.Store(batch.Load() || strings.Contains(query, "INTO inbox")) })
	w.db.SetFaults(store.Faults{BeforeCommit: func() error {
		if !batch.Swap(false) || commits.Add(1) > 1 {
			return nil
		}
		eventually(t, "the stop gives up waiting", func() bool { return p.lines.count("stopping with work left") > 0 })
		return errors.New("connection lost")
	}})
	release := p.hold()
	for i := range int64(400) {
		p.add("k", i, "silent")
	}
	p.cancel()
	release()
	p.stop()
	equal(t, "commits tried", commits.Load(), int32(1))
	next := w.one(`SELECT next_offset FROM positions WHERE claim = 'feeder.events/0'`)
	equal(t, "events taken in below the position "+next, w.count("inbox"), next)
}

func TestRecordWithoutUsableKeyIsADeadLetter(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for _, key := range []string{"", strings.Repeat("x", 300), "odd \xff\xfe bytes", "a nul \x00"} {
		r := w.record(Added{Tally: "k", Amount: 1}, "keyless "+strconv.Quote(key), 1)
		r.Key = key
		p.send(r)
	}
	p.add("k", 5, "")
	p.taken()
	p.drained()
	equal(t, "trail", w.trail("k"), "5")
	equal(t, "parked", w.count("parked"), "0")
	dead, _ := w.published("tally.dead-letter")
	equal(t, "dead letters", len(dead), 4)
	for _, r := range dead {
		if !strings.Contains(header(r, "dl_cause"), "no usable key") || header(r, "dl_topic") != "feeder.events" {
			t.Errorf("dead letter says %v", r.Headers)
		}
	}
}

func TestHeadersOfAForeignProducerDoNoHarm(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	bad := []string{strings.Repeat("long", 100), "\xff\xfe", "nul\x00"}
	for i, value := range bad {
		for _, name := range []string{"ce_id", "ce_type", "ce_tenant", "ce_sequence", "ce_correlationid", "traceparent", "ce_causationid"} {
			r := w.record(Added{Tally: fmt.Sprintf("k%d", i), Amount: 1}, fmt.Sprintf("id-%d-%s", i, name), 0)
			for j := range r.Headers {
				if r.Headers[j].Name == name {
					r.Headers[j].Value = value
				}
			}
			r.Headers = append(r.Headers, record.Header{Name: name, Value: value}, record.Header{Name: "\xff", Value: "\xff"})
			p.send(r)
		}
	}
	p.taken()
	for i := range bad {
		equal(t, "trail", w.trail(fmt.Sprintf("k%d", i)), "1 1 1 1 1 1 1")
	}
	equal(t, "parked", w.count("parked"), "0")
}

func TestAGracefulStopPublishesEverythingCommitted(t *testing.T) {
	for i := range 10 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			w := newWorld(t)
			p := w.start()
			for i := range int64(50) {
				p.add("k", i, "")
			}
			p.stop()
			records, _ := w.published("tally.events")
			equal(t, "published at the stop", len(records), 50)
			equal(t, "outbox after the stop", w.count("outbox"), "0")
		})
	}
}
