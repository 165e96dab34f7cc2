package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

func TestParkedLaneBlocksNoOtherAndDrainsInOrder(t *testing.T) {
	w := newWorld(t)
	w.park.Attempts = 1000
	w.broken.Store(true)
	p := w.start()
	p.add("k", 0, "broken")
	for i := range int64(6) {
		p.add("k", i+1, "")
		p.add("other", i, "")
	}
	p.send(p.record(Closed{Tally: "k"}, "closed", 1))
	p.taken()
	equal(t, "another key", w.trail("other"), "0 1 2 3 4 5")
	equal(t, "another lane of the key", w.trail("k"), "0")
	equal(t, "parked", w.count("parked"), "7")
	equal(t, "inbox of the parked", w.one(`SELECT count(*) FROM `+ownInbox+` WHERE status = 'parked'`), "7")
	w.broken.Store(false)
	eventually(t, "the lane drains", func() bool { return w.count("parked") == "0" })
	equal(t, "order", w.trail("k"), "0 0 1 2 3 4 5 6")
	equal(t, "inbox flipped", w.one(`SELECT count(*) FROM `+ownInbox+` WHERE status = 'parked'`), "0")
	p.drained()
	inOrder(t, w, 14)
}

// The statements are those of docs/operations.md.
func TestManuallyDeletedHeadUnblocksItsLane(t *testing.T) {
	w := newWorld(t)
	w.broken.Store(true)
	p := w.start()
	p.add("k", 1, "broken")
	p.add("k", 2, "")
	eventually(t, "its attempts are spent", func() bool { return w.one(`SELECT count(*) FROM parked WHERE dead = 1`) == "1" })
	p.stop()
	tx, err := w.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Exec(t.Context(), `DELETE FROM parked WHERE lane = 'feeder.events' AND key = 'k'
   AND n = (SELECT min(n) FROM parked WHERE lane = 'feeder.events' AND key = 'k')`); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	p = w.start()
	eventually(t, "the lane drains", func() bool { return w.count("parked") == "0" })
	equal(t, "what waited behind it", w.trail("k"), "2")
	again := w.record(Added{Tally: "k", Amount: 1, Then: "broken"}, "added-0", 1)
	p.send(again)
	p.add("k", 3, "")
	p.taken()
	equal(t, "a copy of it", w.count("parked"), "0")
	equal(t, "and what follows", w.trail("k"), "2 3")
}

func TestRestartRetriesHeadWithoutNewDeadLetter(t *testing.T) {
	w := newWorld(t)
	w.broken.Store(true)
	p := w.start()
	p.add("k", 1, "broken")
	p.add("k", 2, "")
	eventually(t, "its attempts are spent", func() bool { return w.one(`SELECT count(*) FROM parked WHERE dead = 1`) == "1" })
	p.drained()
	equal(t, "rows stay", w.count("parked"), "2")
	dead, copies := w.published("tally.dead-letter")
	equal(t, "dead letters", len(dead)+copies, 1)
	equal(t, "cause", header(dead[0], "dl_cause"), "reaction to test.feeder.Added panicked: broken for now")
	equal(t, "attempts", header(dead[0], "dl_attempts"), "3")
	equal(t, "original id", header(dead[0], "ce_id"), "added-0")
	p.stop()

	// Two restarts fail again, one of them with more patience: no second letter.
	for _, attempts := range []int{3, 100} {
		w.park.Attempts = attempts
		before := w.one(`SELECT attempts FROM parked WHERE dead = 1`)
		p = w.start()
		eventually(t, "the restart tries again", func() bool { return w.one(`SELECT attempts FROM parked ORDER BY n LIMIT 1`) > before })
		p.drained()
		p.stop()
	}
	_, copies = w.published("tally.dead-letter")
	equal(t, "copies of the dead letter", copies, 0)
	w.broken.Store(false)
	w.start()
	eventually(t, "the mended lane drains", func() bool { return w.count("parked") == "0" })
	equal(t, "trail", w.trail("k"), "1 2")
}

func TestAParkedInputSurvivesAKill(t *testing.T) {
	w := newWorld(t)
	w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: 5}
	w.broken.Store(true)
	p := w.startStopping(10 * time.Millisecond)
	p.add("k", 1, "broken")
	p.add("k", 2, "")
	p.taken()
	p.kill()
	w.broken.Store(false)
	p = w.start()
	p.add("k", 3, "") // may come before the lane has drained, or after
	eventually(t, "the lane drains", func() bool { return w.trail("k") == "1 2 3" })
}

func TestAReactionThatFailsParksAndPutsNothingOut(t *testing.T) {
	w := newWorld(t)
	w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: 5}
	w.broken.Store(true)
	p := w.start()
	p.add("panics", 1, "broken")
	p.add("undeclared", 1, "undeclared")
	p.send(w.record(Added{Tally: "elsewhere", Amount: 1}, "miskeyed", 1))
	r := w.record(Added{Tally: "k", Amount: 1}, "garbled", 2)
	r.Value = r.Value[:7]
	p.send(r)
	r = w.record(Added{Tally: "mixed", Amount: 1}, "mixed", 3)
	r.Headers[1].Value = Closed{}.EventType()
	p.send(r)
	r = w.record(Added{Tally: "mis", Amount: 1}, "keyed", 4)
	r.Key = "taken"
	p.send(r)
	p.taken()
	for key, cause := range map[string]string{
		"panics": "broken for now", "undeclared": flow.ErrUndeclared.Error(), "k": "malformed", "mixed": "is written as", "taken": "is about",
	} {
		if got := w.one(`SELECT cause FROM parked WHERE key = ?`, key); !strings.Contains(got, cause) {
			t.Errorf("%s is parked because of %q, want %q", key, got, cause)
		}
	}
	p.drained()
	records, _ := w.published("tally.events")
	equal(t, "published", len(records), 1)
}

func TestAnEventOfNobodyConcernedIsIgnored(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for _, name := range []string{"test.feeder.Unheard", "Nap", "Add", "Rung"} { // the last are in the table, and no events
		r := w.record(Added{Tally: "k", Amount: 1}, name, 1)
		r.Headers[1].Value = name
		p.send(r)
	}
	p.taken()
	equal(t, "inbox", w.count("inbox"), "0")
	equal(t, "parked", w.count("parked"), "0")
	eventually(t, "they are counted", func() bool { return p.metric("quintet_inputs_total") == 4 })
}

func TestHugeDeadLetterDoesNotStopTheRelay(t *testing.T) {
	w := newWorld(t)
	w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: 1}
	p := w.start()
	r := w.record(Added{Tally: "k", Amount: 1}, "huge", 1)
	r.Value = make([]byte, 1<<20)
	p.send(r)
	r = w.record(Added{Tally: "", Amount: 1}, "huge and keyless", 1)
	r.Headers = append(r.Headers, record.Header{Name: "x", Value: strings.Repeat("x", 1<<20)})
	p.send(r)
	p.taken()
	p.drained()
	dead, _ := w.published("tally.dead-letter")
	equal(t, "dead letters", len(dead), 2)
	for _, d := range dead {
		size := len(d.Value)
		for _, h := range d.Headers {
			size += len(h.Name) + len(h.Value)
		}
		left, err := strconv.Atoi(header(d, "dl_left_out"))
		if size > 900<<10 || err != nil || left < 1<<20 {
			t.Errorf("dead letter of %d bytes leaves out %d (%v)", size, left, err)
		}
	}
}

func TestParkedResultIsAppliedWithItsBody(t *testing.T) {
	w := newWorld(t)
	w.park.Attempts = 1000
	w.broken.Store(true)
	w.callHandlers = []flow.CallHandler{ring(func(_ context.Context, _ flow.Call, r Ring) (Rung, error) { return Rung{Bell: r.Bell}, nil })}
	p := w.start()
	p.add("k", -poison, "silent")
	p.add("k", poison, "ring")
	eventually(t, "the result parks", func() bool { return w.one(`SELECT count(*) FROM parked WHERE lane = 'result Rung'`) == "1" })
	equal(t, "open calls", w.count("effects"), "0")
	p.add("k", 7, "")
	p.taken()
	w.broken.Store(false)
	eventually(t, "the result is applied", func() bool { return w.count("parked") == "0" })
	equal(t, "trail", w.trail("k"), fmt.Sprintf("%d %d 7 rung%d", -poison, poison, poison))
}
