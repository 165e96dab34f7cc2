package flow_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// A registry that lost its memory gives the id of one record to another, and a
// record without headers has nothing else. Added and Closed are read as
// themselves; on a foreign topic they are not what was written there.
func TestARecordThatIsNotItsTopicsOwnIsNotReadAndNotPassedOver(t *testing.T) {
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
		why := w.one(`SELECT cause FROM parked WHERE key = '` + strings.ReplaceAll(c.key, "'", "''") + `'`)
		want := "record on keeper.events is written as " + c.event.EventType() + ", which belongs on " + flow.Topic(c.event.EventOwner())
		if !strings.Contains(why, want) {
			t.Errorf("%s: parked because of %q, want %q", c.key, why, want)
		}
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
	equal(t, "parked", w.count("parked"), "0")
	equal(t, "trail", w.trail("k"), "1 3")
}

func TestARecordOfAnUnknownSchemaIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	r := w.record(Added{Tally: "k", Amount: 1}, "unknown", 1)
	r.Headers[2].Value = ""                                 // no fingerprint
	r.Value = append([]byte{0, 0, 0, 9, 9}, r.Value[5:]...) // and an id that nobody has
	if err := p.engine.Deliver(ctx, p.claims[r.Topic], r); err == nil {
		t.Fatal("a record of an unknown schema was taken in at once")
	}
	if missing := p.engine.Missing(); len(missing) != 0 {
		t.Errorf("missing after the session ended: %v", missing)
	}
}

func TestWhileTheRegistryIsAwayThePartitionWaitsAndSkipsNothing(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.schemas.setDown(true)
	p.add("k", 1, "") // its fingerprint is compiled in: no registry needed
	p.taken()
	r := w.record(Added{Tally: "k", Amount: 2}, "foreign", 2)
	r.Headers = nil
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		p.send(r)
		p.add("k", 3, "")
	}()
	eventually(t, "the engine says what is missing", func() bool {
		return strings.Contains(strings.Join(p.engine.Missing(), ""), "registry for feeder.events/0")
	})
	equal(t, "trail meanwhile", w.trail("k"), "1")
	w.schemas.setDown(false)
	<-delivered
	p.taken()
	equal(t, "trail", w.trail("k"), "1 2 3")
	equal(t, "missing", len(p.engine.Missing()), 0)
	equal(t, "id of a foreign record", w.one(`SELECT count(*) FROM inbox WHERE id = 'feeder.events/0/1'`), "1")
}

// The one try that a mended service gives each lane at its start is not spent on
// a head that it could not even read.
func TestAHeadThatCannotBeReadAtTheStartIsTriedOnceTheRegistryIsBack(t *testing.T) {
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
	eventually(t, "the registry is asked in vain", func() bool { return p.lines.count("read head of parked lane") > 0 })
	w.schemas.setDown(false)
	eventually(t, "the lane drains", func() bool { return w.count("parked") == "0" })
	equal(t, "trail", w.trail("k"), "1")
}

// A registry that is asked too early remembers that it knew nothing, and so does
// the client, for a while: that is no attempt at a record that is parked for
// another reason.
func TestASchemaThatIsNotKnownYetIsNoAttemptAtAParkedHead(t *testing.T) {
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
