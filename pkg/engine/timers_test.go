package engine_test

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestATimerFiresOnceAndAStoppedOneNever(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.add("stopped", 30_000, "nap")
	p.add("stopped", 0, "rise")
	p.add("k", 10, "nap")
	eventually(t, "the timer fires", func() bool { return w.trail("k") == "10 nap10" })
	p.stop()
	w.start()
	equal(t, "timers left", w.count("timers"), "0")
	equal(t, "the stopped one", w.trail("stopped"), "30000 0")
	equal(t, "the fired one", w.trail("k"), "10 nap10")
}

func TestAMovedTimerFiresAtItsNewTimeOnly(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.add("sooner", 3_600_000, "nap")
	p.add("sooner", 5, "nap")
	p.add("later", 5, "nap")
	p.add("later", 3_600_000, "nap")
	eventually(t, "the one moved forward fires", func() bool { return w.trail("sooner") == "3600000 5 nap5" })
	// The other may have fired before it was moved, and not after.
	p.taken()
	equal(t, "timers running", w.one(`SELECT max(id) || count(*) FROM timers`), "Nap/later1")
}

// Both timers are due when the batch that starts them commits, and what stops
// one and moves the other is queued by then: they fire behind it.
func TestTimerFiringDuringStopOrMoveDoesNothing(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	release := p.hold()
	p.add("moved", 1, "nap")
	p.add("stopped", 1, "nap")
	entered, releaseNext := p.holdNext() // in one batch with them
	release()
	<-entered
	p.add("moved", 3_600_000, "nap")
	p.add("stopped", 0, "rise")
	releaseNext()
	p.taken()
	p.add("moved", 1, "")
	p.taken()
	equal(t, "stopped", w.trail("stopped"), "1 0")
	equal(t, "moved", w.trail("moved"), "1 3600000 1")
	equal(t, "timers running", w.one(`SELECT max(id) || count(*) FROM timers`), "Nap/moved1")
}

func TestATimerSurvivesARestartAndAnUnknownCommit(t *testing.T) {
	for name, faults := range unknownOutcomes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.startStopping(10 * time.Millisecond)
			p.add("k", 200, "nap")
			p.taken()
			p.kill()
			p = w.start()
			w.db.SetFaults(faults())
			p.add("x", 20, "nap")
			eventually(t, "both fire", func() bool { return w.trail("k") == "200 nap200" && w.trail("x") == "20 nap20" })
			equal(t, "timers left", w.count("timers"), "0")
		})
	}
}

func TestATimerMayStartItselfAgain(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.add("k", 3, "")
	p.taken()
	w.exec(`INSERT INTO timers (id, key, name, due, body, causation, traceparent) VALUES ('Nap/k', 'k', 'Nap', 1, '{"Amount":2003}', '', '')`)
	p.stop()
	w.start()
	eventually(t, "it fires three times", func() bool { return w.trail("k") == "3 nap2003 nap1003 nap3" })
	equal(t, "timers left", w.count("timers"), "0")
}

func TestATimerThatCannotBeReadKeepsItsText(t *testing.T) {
	w := newWorld(t)
	w.park.Attempts = 1
	w.exec(`INSERT INTO timers (id, key, name, due, body, causation, traceparent) VALUES ('Nap/k', 'k', 'Nap', 1, '{"Amount":"seven"}', '', '')`)
	p := w.start()
	eventually(t, "it parks", func() bool { return w.count("parked") == "1" })
	p.drained()
	dead, _ := w.published("tally.dead-letter")
	equal(t, "its text", string(dead[0].Value), `{"Amount":"seven"}`)
	p.stop()
	before := w.one(`SELECT attempts FROM parked`)
	w.start()
	eventually(t, "the restart tries again", func() bool { return w.one(`SELECT attempts FROM parked`) > before })
	equal(t, "trail", w.trail("k"), "")
}

func TestFailedTimerParksAndIsAppliedAfterRepair(t *testing.T) {
	w := newWorld(t)
	w.park.Attempts = 1000
	w.broken.Store(true)
	var saved atomic.Int64
	w.panics = func(place, key string) {
		if place == "save" && key == "k" && saved.Add(1) > 1 && w.broken.Load() { // the first is what starts the timer
			panic("over k")
		}
	}
	p := w.start()
	p.add("k", 50, "nap")
	p.taken()
	eventually(t, "it parks", func() bool { return w.one(`SELECT count(*) FROM parked WHERE lane = 'timer Nap'`) == "1" })
	w.broken.Store(false)
	eventually(t, "it is applied", func() bool { return w.trail("k") == "50 nap50" && w.count("parked") == "0" })
}
