package engine_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/quintet-eda/quintet/pkg/record"
)

// from gives a record another source.
func from(source string, r *record.Record) *record.Record {
	r.Headers = append(r.Headers, record.Header{Name: "ce_source", Value: source})
	return r
}

// A CloudEvents id is unique within its source only (cloudevents/spec#331), and a
// shop that counts its orders starts at the same number as the next shop.
func TestEqualIDsOfTwoSourcesAreTwoEvents(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.send(
		from("/shop/a", w.record(Added{Tally: "a", Amount: 1, Then: "ring"}, "1001", 0)),
		from("/shop/b", w.record(Added{Tally: "b", Amount: 2, Then: "ring"}, "1001", 0)),
		from("/shop/b", w.record(Added{Tally: "a", Amount: 4, Then: "nap"}, "1002", 0)),
		from("/shop/a", w.record(Added{Tally: "a", Amount: 8}, "1002", 0)), // of one key even
		from("/quintet/feeder", w.record(Added{Tally: "d", Amount: 16}, "1001", 0)),
		from("/quintet/keeper", w.record(Closed{Tally: "d"}, "1001", 0)), // of two owners, each on its own topic
		w.record(Added{Tally: "d", Amount: 32}, "1001 ", 0),
	)
	p.taken()
	eventually(t, "the timer fires", func() bool { // before the last amount, or after
		return w.trail("a") == "1 4 8 nap4" || w.trail("a") == "1 4 nap4 8"
	})
	equal(t, "b", w.trail("b"), "2")
	equal(t, "the owners' own", w.one(`SELECT total FROM tallies WHERE key = 'd'`), "48")
	equal(t, "calls", w.one(`SELECT count(DISTINCT id) FROM effects`), "2")
	equal(t, "what the calls follow from", w.one(`SELECT min(causation) || max(causation) FROM effects`), "10011001")
	p.drained()
	inOrder(t, w, 7)
	records, _ := w.published("tally.events")
	for _, r := range records {
		if cause := header(r, "ce_causationid"); len(cause) > 5 {
			t.Errorf("an event follows from %q, which is no id of a producer", cause)
		}
	}

	// Each copy is one, with its source or, as the owner's own, without.
	p.send(
		from("/shop/a", w.record(Added{Tally: "a", Amount: 1, Then: "ring"}, "1001", 0)),
		from("/shop/b", w.record(Added{Tally: "b", Amount: 2, Then: "ring"}, "1001", 0)),
		w.record(Added{Tally: "d", Amount: 16}, "1001", 0),
	)
	p.taken()
	equal(t, "inbox", w.count("inbox"), "7")
	equal(t, "told", p.metric("quintet_event_id_conflicts_total"), 0.0)
	eventually(t, "the copies are told as such", func() bool { return p.lines.count(`"outcome":"duplicate"`) == 3 })
}

func TestIDWithOtherContentIsTold(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	first := func() *record.Record { return w.record(Added{Tally: "k", Amount: 1}, "1001", 0) }
	bare := first()
	bare.Headers = bare.Headers[:2] // without fingerprint or story
	p.send(
		first(),
		first(), // a copy
		bare,
		w.record(Added{Tally: "k", Amount: 2}, "1001", 0),     // another amount
		w.record(Added{Tally: "other", Amount: 1}, "1001", 0), // another key
		from("/quintet/feeder", w.record(Added{Tally: "k", Amount: 3}, "1001", 0)),
	)
	p.taken()
	equal(t, "trail", w.trail("k")+w.trail("other"), "1")
	eventually(t, "each is told", func() bool {
		return p.lines.count(`"level":"ERROR","msg":"handled","kind":"event","input":"test.feeder.Added","outcome":"duplicate"`) == 3
	})
	equal(t, "metric", p.metric("quintet_event_id_conflicts_total"), 3.0)
	p.drained()
	dead, _ := w.dead()
	equal(t, "dead letters", len(dead), 3)
	for _, d := range dead {
		equal(t, "cause", header(d, "dl_cause"), `another event had this source and id: "/quintet/feeder 1001"`)
		equal(t, "its id", header(d, "ce_id"), "1001")
		equal(t, "its value is there", len(d.Value) > 5, true)
	}
}

// dead are the dead letters, each place in the log once.
func (w *world) dead() (records []record.Record, copies int) {
	seen := map[string]bool{}
	for _, r := range w.log.Records() {
		if r.Topic != "tally.dead-letter" {
			continue
		}
		if at := fmt.Sprint(header(r, "dl_topic"), header(r, "dl_partition"), header(r, "dl_offset"), header(r, "dl_input")); !seen[at] {
			seen[at] = true
			records = append(records, r)
			continue
		}
		copies++
	}
	return records, copies
}

// The first event may be parked. The log names the second one of its id all the same.
func TestIDOfParkedEventComesWithOtherContent(t *testing.T) {
	w := newWorld(t)
	w.park.Attempts = 1000
	w.broken.Store(true)
	p := w.start()
	p.send(
		w.record(Added{Tally: "k", Amount: 1, Then: "broken"}, "1001", 0),
		w.record(Added{Tally: "k", Amount: 1, Then: "broken"}, "1001", 0),
		w.record(Added{Tally: "k", Amount: 2}, "1001", 0),
	)
	p.taken()
	equal(t, "parked", w.count("parked"), "1")
	eventually(t, "it is told", func() bool { return p.metric("quintet_event_id_conflicts_total") == 1 })
	w.broken.Store(false)
	eventually(t, "the lane drains", func() bool { return w.count("parked") == "0" })
	p.send(w.record(Added{Tally: "k", Amount: 3}, "1001", 0), w.record(Added{Tally: "k", Amount: 1, Then: "broken"}, "1001", 0))
	p.taken()
	equal(t, "trail", w.trail("k"), "1")
	eventually(t, "it is told", func() bool { return p.metric("quintet_event_id_conflicts_total") == 2 })
}

// A bridge reads a record and writes it again with its own version of the schema:
// other bytes under another schema id, and the same event.
func TestCopyInAnotherVersionIsADuplicate(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	r := w.record(Added{Tally: "k", Amount: 1}, "1001", 1)
	p.send(r)
	copied := w.record(Added{Tally: "k", Amount: 1}, "1001", 1)
	w.schemas.mu.Lock()
	id := w.schemas.id(`{"type":"record","name":"Added","namespace":"test.feeder","fields":[{"name":"tally","type":"string"},{"name":"amount","type":"long"},{"name":"then","type":"string"},{"name":"note","type":"string","default":""}]}`)
	w.schemas.mu.Unlock()
	copied.Headers[2].Value = ""
	copied.Value = append(append([]byte{}, copied.Value...), 0) // an empty note
	binary.BigEndian.PutUint32(copied.Value[1:5], uint32(id))
	p.send(copied)
	p.taken()
	equal(t, "trail", w.trail("k"), "1")
	equal(t, "parked", w.count("parked"), "0")
	equal(t, "told", p.metric("quintet_event_id_conflicts_total"), 0.0)
	p.drained()
	dead, _ := w.dead()
	equal(t, "dead letters", len(dead), 0)
}
