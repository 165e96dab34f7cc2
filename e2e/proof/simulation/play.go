package simulation

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

// Report is the outcome of a simulation.
type Report struct {
	Seed       uint64
	Steps      int
	Hash       uint64 // of every step, in order: equal for replays
	Rare       map[string]int
	Violations []string
}

const (
	stormy  = 4000             // steps, at most, in which things go wrong
	patient = 60000            // steps that a run may take in all
	long    = 30 * time.Minute // of the simulated clock
)

// legend is the beginning of a story.
const legend = `How to read it: the milliseconds that have passed, who goes on, from where, and
after a colon what becomes of it if it is not simply done. A1 is the first process
of instance A. The world feeds facts, which the shop (orders) and the room (goods)
append to their topics, kills, freezes, cuts off, and lets customers ask.

`

// Run plays one seed in a directory of its own. It must be called in a bubble of
// testing/synctest. If story is not nil, Run writes every step to it.
func Run(seed uint64, dir string, codecs map[string]*registry.Codec, story io.Writer) Report {
	w, err := newWorld(seed, dir+"/"+strconv.FormatUint(seed, 10)+".db", codecs, story)
	if err != nil {
		panic(err)
	}
	if story != nil {
		fmt.Fprint(story, legend)
	}
	w.tell("instances %v; what can go wrong, in one of so many cases: %+v", w.instances, w.faults)
	w.open()
	facts := w.prepare()
	w.feed(facts, w.prepareBurst())
	for i := range w.IntN(4) {
		w.customer(string(rune('a' + i)))
	}
	for _, name := range w.instances {
		w.start(name)
	}
	w.play()
	w.close()
	return w.report()
}

func (w *world) report() Report {
	return Report{Seed: w.seed, Steps: w.steps, Hash: w.hash, Rare: w.rare, Violations: w.violations}
}

// open makes the tables, before anything goes wrong.
func (w *world) open() {
	db, err := w.database.Open()
	if err == nil {
		err = engine.Migrate(context.Background(), db, "own", migrations())
	}
	if err != nil {
		panic(err)
	}
	w.judge.db = db
}

// play runs until the world is at rest, or a rule is violated.
func (w *world) play() {
	for len(w.violations) == 0 {
		synctest.Wait() // no goroutine runs while the world decides
		if !w.calm && (w.steps > stormy || w.busy == 0 && !w.arriving() && w.chance(200)) {
			w.calmDown()
			continue
		}
		w.reap()
		w.endIdle()
		if w.strike() {
			continue
		}
		w.holdLoops()
		able := w.settle()
		if len(able) > 0 {
			t := pick(w.scheduler, able)
			<-time.After(time.Microsecond) // a step takes time: no two transactions begin at once
			w.release(t, w.fate(t))
			continue
		}
		if w.idle() {
			return
		}
	}
}

// idle acts when no goroutine can go on: a commit or a request that was held back
// happens, or time passes, or the run ends.
func (w *world) idle() (over bool) {
	why := "the storm goes on"
	if w.calm {
		why = w.judge.rest()
	}
	switch {
	case len(w.landing) > 0 && (w.calm || w.chance(2)):
		w.land()
	case len(w.outside.late) > 0 && (w.calm || w.chance(2)):
		w.arrive()
	case w.calm && why == "" && w.faults.outage > 0 && !w.disturbed:
		w.disturb()
	case w.calm && why == "" && len(w.leaving) == 0 && w.mended:
		w.judge.verdict()
		return true
	case w.calm && why == "" && !w.mended:
		w.mend()
	case w.steps > patient || time.Since(w.began) > long:
		w.violate("no rest: %s", why)
		return true
	default:
		w.advance(100 * time.Millisecond)
	}
	return false
}

// calmDown ends the storm: frozen processes and stalled goroutines go on, and nothing
// strikes any more. Without a restart everything must come to rest now, but for the
// poisoned lanes.
func (w *world) calmDown() {
	w.tell("calm")
	w.calm = true
	w.schemas.away, w.databaseAway = time.Time{}, time.Time{}
	for _, p := range slices.Concat(w.live, w.leaving) {
		p.frozenUntil = time.Time{}
	}
	w.goOn()
	for w.rollOut() {
		synctest.Wait()
	}
	if w.shared && w.chance(3) {
		w.bury(pick(w.scheduler, w.instances))
	}
}

// bury ends an instance for good, so that the other must take over its work.
func (w *world) bury(instance string) {
	w.seen("an instance died for good")
	w.buried = instance
	for _, p := range slices.Concat(w.live, w.leaving) {
		if p.instance == instance {
			w.kill(p)
		}
	}
}

// mend brings a new binary, in which nothing is ill. Every instance is restarted with
// it, in a storm one after the other, and retries each parked lane. By then the
// registry knows every schema that it ever learns.
func (w *world) mend() {
	w.tell("mended")
	w.mended = true
	if len(w.schemas.texts) > 0 && w.chance(2) {
		w.schemas.away = time.Now().Add(30 * time.Second)
	}
	clear(w.schemas.learned) // a lane that is given up in the new binary would wait for another
	for w.calm && w.rollOut() {
		synctest.Wait()
	}
}

// reap forgets the processes that have ended.
func (w *world) reap() {
	rest := w.leaving[:0]
	for _, p := range w.leaving {
		select {
		case <-p.ended:
			w.tell("%s has ended", p)
		default:
			rest = append(rest, p)
		}
	}
	w.leaving = rest
}

// close kills what runs and waits for its goroutines: a bubble must be empty.
func (w *world) close() {
	w.calm, w.over = true, true
	for len(w.landing) > 0 {
		w.land()
	}
	for _, p := range slices.Concat(w.live, w.leaving) {
		w.kill(p)
	}
	patience := time.Now().Add(long)
	for ended := false; !ended; {
		if time.Now().After(patience) {
			w.violate("a process does not end")
			panic(w.report().String()) // nor would the bubble
		}
		w.goOn() // one that is stalled may be of a process that had ended before
		for able := w.settle(); len(able) > 0; able = w.settle() {
			w.release(able[0], errGone)
		}
		ended = w.busy == 0
		for _, p := range w.all {
			select {
			case <-p.ended:
			default:
				ended = false
			}
		}
		w.advance(time.Second)
		w.goOn()
		ended = ended && len(w.settle()) == 0 // a consumer of a process that has stopped may come this late
	}
	_ = w.judge.db.Close() // the file is forgotten with it
}

func (r Report) String() string {
	if len(r.Violations) == 0 {
		return fmt.Sprintf("seed %d: %d steps, no violation", r.Seed, r.Steps)
	}
	return fmt.Sprintf("seed %d: %d steps\n  %s", r.Seed, r.Steps, strings.Join(r.Violations, "\n  "))
}

// landsLater makes a commit happen after its process has given it up.
func (w *world) landsLater(by *process) error {
	return store.CommitsLater{Later: func(land func() error) {
		w.landing = append(w.landing, func() error {
			err := land()
			w.judge.observe(by)
			w.judge.holders.doubt[by.instance] = true
			return err
		})
	}}
}
