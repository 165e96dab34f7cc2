package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// A registry that lost its memory gives the id of one record to another, and a
// record without headers has nothing else. Added and Closed are read as
// themselves; on a foreign topic they are not what was written there.
func TestEventOnTheWrongTopicIsParked(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for _, c := range []struct {
		key   string
		event flow.Event
		says  string
	}{{"reacted to", Added{Tally: "reacted to", Amount: 1}, ""}, {"reacted to, and named", Added{Tally: "reacted to, and named", Amount: 1}, "test.feeder.Added"}, {"nobody's", Hidden{Tally: "nobody's"}, ""}} {
		r := w.record(c.event, c.key, 0)
		w.offsets[r.Topic]--
		w.offsets["keeper.events"]++
		r.Topic, r.Offset = "keeper.events", w.offsets["keeper.events"]-1
		if c.says == "" {
			r.Headers = nil
		}
		p.send(r)
		p.taken()
		want := "record on keeper.events is written as " + c.event.EventType() + ", which belongs on " + flow.Topic(c.event.EventOwner())
		eventually(t, c.key+": it is parked, and "+want, func() bool { // at once, or when the registry has explained it
			return strings.Contains(w.one(`SELECT coalesce(max(cause), '') FROM parked WHERE key = ?`, c.key), want)
		})
	}
	equal(t, "states", w.count("tallies"), "0")
}

// A topic may carry records that nobody here knows, as new versions of its owner
// write them: with a header that says so, or without any.
func TestARecordThatNobodyKnowsIsPassedOver(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.add("k", 1, "")
	for _, name := range []string{"test.feeder.Renamed", "elsewhere.Noted", "Bare"} {
		r := w.record(Added{Tally: "k", Amount: 2}, name, 0)
		r.Headers = nil
		w.schemas.mu.Lock()
		id := w.schemas.id(fmt.Sprintf(`{"type":"record","name":%q,"fields":[{"name":"tally","type":"string"},{"name":"amount","type":"long"},{"name":"then","type":"string"}]}`, name))
		w.schemas.mu.Unlock()
		binary.BigEndian.PutUint32(r.Value[1:5], uint32(id))
		p.send(r)
	}
	p.add("k", 3, "")
	p.taken()
	eventually(t, "the registry explained them", func() bool { return w.count("parked") == "0" })
	equal(t, "trail", w.trail("k"), "1 3")
}

// Who can write to a topic can write schema ids that nobody knows: each is a
// question to the registry, and none may hold up the partition.
func TestUnknownSchemasHoldUpOnlyTheirLanes(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for i := range 20 {
		r := w.record(Added{Tally: fmt.Sprintf("odd%d", i), Amount: 1}, fmt.Sprintf("odd-%d", i), 1)
		r.Headers[2].Value = ""                                       // no fingerprint
		r.Value = append([]byte{0, 0, 0, 9, byte(i)}, r.Value[5:]...) // and an id that nobody has
		p.send(r)
	}
	p.add("k", 1, "")
	p.taken()
	equal(t, "trail", w.trail("k"), "1")
	equal(t, "waiting", w.one(`SELECT count(*) FROM parked WHERE attempts = 0`), "20")
	equal(t, "missing", len(p.engine.Missing()), 0)
}

// A registry that accepts a question and says nothing is the same, and worse: each
// question takes the client's whole patience. More lanes ask than may at once.
func TestHangingRegistryHoldsUpOnlyItsLanes(t *testing.T) {
	w := newWorld(t)
	w.callHandlers = []flow.CallHandler{ring(func(_ context.Context, _ flow.Call, r Ring) (Rung, error) { return Rung{Bell: r.Bell}, nil })}
	p := w.start()
	release := w.schemas.hang()
	t.Cleanup(release)
	const odd = 100
	for i := range odd {
		r := w.record(Added{Tally: fmt.Sprintf("odd%d", i), Amount: 1}, "", 1)
		r.Headers = nil
		binary.BigEndian.PutUint32(r.Value[1:5], uint32(1000+i)) // each is a question of its own
		p.send(r)
		p.add("k", int64(i), "")
	}
	p.add("k", 1, "ring")
	p.add("k", 2, "nap")
	p.taken()
	eventually(t, "questions are open", func() bool { return w.schemas.unanswered() > 0 })
	eventually(t, "a call and a timer go on", func() bool { return strings.Contains(w.trail("k"), " nap2") && w.count("effects") == "0" })
	p.add("k", 3, "")
	p.taken()
	p.drained()
	inOrder(t, w, odd+3)
	equal(t, "lanes that wait", w.one(`SELECT count(*) FROM parked WHERE attempts = 0`), fmt.Sprint(odd))
	equal(t, "missing", len(p.engine.Missing()), 0)
	w.schemas.mu.Lock()
	added := w.schemas.texts[slices.IndexFunc(w.schemas.texts, func(text string) bool { return strings.Contains(text, "Added") })]
	for len(w.schemas.texts) < 1000+odd {
		w.schemas.texts = append(w.schemas.texts, added)
	}
	w.schemas.mu.Unlock()
	release()
	eventually(t, "the lanes drain", func() bool { return w.count("parked") == "0" })
	equal(t, "attempts", p.lines.count(`"outcome":"parked"`), 0)
}

func TestLaneWaitsWhileTheRegistryIsAway(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.schemas.setDown(true)
	p.add("k", 1, "") // its fingerprint is compiled in: no registry needed
	r := w.record(Added{Tally: "k", Amount: 2}, "foreign", 2)
	r.Headers = nil
	p.send(r)
	p.add("k", 3, "")
	p.add("other", 4, "")
	p.taken()
	equal(t, "trail meanwhile", w.trail("k"), "1")
	equal(t, "another lane", w.trail("other"), "4")
	eventually(t, "the registry is asked in vain", func() bool { return p.lines.count("schema registry unavailable") > 1 })
	w.schemas.setDown(false)
	eventually(t, "the lane drains", func() bool { return w.count("parked") == "0" })
	equal(t, "trail", w.trail("k"), "1 2 3")
	equal(t, "attempts", p.lines.count(`"outcome":"parked"`), 0)
	equal(t, "id of a foreign record", w.one(`SELECT count(*) FROM inbox WHERE id = 'feeder.events/0/1'`), "1")
}

// The one try that a mended service gives each lane at its start is not spent on
// a head that it could not even read.
func TestRestartRetryOfHeadWaitsForRegistry(t *testing.T) {
	w := newWorld(t)
	w.broken.Store(true)
	p := w.start()
	r := w.record(Added{Tally: "k", Amount: 1, Then: "broken"}, "foreign", 0)
	r.Headers = nil
	p.send(r)
	eventually(t, "its attempts are spent", func() bool { return w.one(`SELECT count(*) FROM parked WHERE dead = 1`) == "1" })
	p.stop()
	w.broken.Store(false)
	w.codecs["tally"] = w.newCodec("tally")
	w.schemas.setDown(true)
	p = w.start()
	eventually(t, "the registry is asked in vain", func() bool { return p.lines.count("retry parked lane") > 0 })
	w.schemas.setDown(false)
	eventually(t, "the lane drains", func() bool { return w.count("parked") == "0" })
	equal(t, "trail", w.trail("k"), "1")
}

// A registry that is asked too early remembers that it knew nothing, and so does
// the client, for a while: that is no attempt at a record that is parked for
// another reason.
func TestUnknownSchemaCostsParkedHeadNoAttempt(t *testing.T) {
	w := newWorld(t)
	w.broken.Store(true)
	w.park.Attempts = 1000
	p := w.start()
	r := w.record(Added{Tally: "k", Amount: 1, Then: "broken"}, "foreign", 0)
	r.Headers = nil
	p.send(r)
	eventually(t, "it is parked", func() bool { return w.count("parked") == "1" })
	p.stop()
	w.codecs["tally"] = w.newCodec("tally")
	texts := w.schemas.forget()
	attempts := w.one(`SELECT attempts FROM parked`)
	p = w.start()
	eventually(t, "the registry is asked in vain", func() bool { return p.lines.count("schema unknown to the registry") > 2 })
	equal(t, "attempts", w.one(`SELECT attempts FROM parked`), attempts)
	w.broken.Store(false)
	w.schemas.know(texts)
	eventually(t, "the lane drains", func() bool { return w.count("parked") == "0" })
}
