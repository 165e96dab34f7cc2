package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/store"
)

// process is one run of an instance of the till, from its start to its end or
// its death.
type process struct {
	w        *world
	instance string
	run      int
	name     string          // both
	mended   bool            // it is of the new binary
	vainly   map[string]bool // schemas that it asked for in vain
	reading  bool            // the partition of a burst
	held     bool            // its loop had to wait for a burst
	inputs   int             // of the batch that is handed over
	bytes    int
	db       *store.DB
	engine   *engine.Engine[Till]
	ctx      context.Context
	cancel   context.CancelFunc
	ended    chan struct{}
	joining  chan struct{} // full while the process takes partitions over

	dead        bool // killed: guarded by the scheduler's lock
	frozenUntil time.Time
	frozenOnce  bool
}

func (p *process) String() string {
	if p == nil {
		return "world"
	}
	return p.name
}

func (p *process) gone() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.dead
}

func (p *process) frozen() bool { return time.Now().Before(p.frozenUntil) }

// start starts a process of an instance.
func (w *world) start(instance string) {
	w.runs++
	p := &process{w: w, instance: instance, run: w.runs, name: fmt.Sprint(instance, w.runs), mended: w.mended, vainly: map[string]bool{}, ended: make(chan struct{}), joining: make(chan struct{}, 1)}
	w.tell("start %s", p)
	db, err := w.database.Open()
	if err != nil {
		panic(err) // the file is there
	}
	p.db = db
	db.SetFaults(store.Faults{Begin: p.begins, Read: p.reads, Signal: p.signals, BeforeCommit: p.commits, AfterCommit: p.committed})
	p.ctx, p.cancel = context.WithCancel(context.Background())
	metrics := prometheus.NewRegistry()
	p.engine, err = engine.New(engine.Config[Till]{
		Participant: table(p.ails), Store: tills, DB: db, Codec: p.codec(), CallHandlers: p.callHandlers(),
		OpenProducer: p.openLog, Log: slog.New(&watcher{w: w, p: p}), Metrics: engine.NewMetrics(metrics),
		Instance: instance, OutboxBound: 40, Park: engine.ParkPolicy{Delay: 3 * time.Second, Attempts: 2},
		Turns: p.turn,
	})
	if err != nil {
		panic(err) // the table and its callHandlers fit
	}
	go func() {
		defer close(p.ended)
		p.engine.Run(p.ctx, 10*time.Second)
		_ = db.Close() // its file goes with the simulation
		w.count(metrics)
	}()
	w.live, w.all = append(w.live, p), append(w.all, p)
}

// turn waits for the turn of one of a process's goroutines. A goroutine of a killed
// process goes on to its end.
func (p *process) turn(place, about string) {
	err := p.w.wait(p, place, about)
	if place == "committed" && err == nil {
		p.inputs, p.bytes = 0, 0
	}
}

// The database of a process fails as the world decides when it gives the turn.

func (p *process) begins() error        { return p.w.wait(p, "begin", "") }
func (p *process) reads(q string) error { return p.w.wait(p, "read", q) }
func (p *process) commits() error       { return p.w.wait(p, "commit", "") }

// signals loses some of the notifications to the other process.
func (p *process) signals() error {
	if err := p.w.wait(p, "signal", ""); err != nil {
		return err
	}
	if p.w.strikes(p.w.faults.signal) {
		p.w.seen("what was told to the other instance was lost")
		return errDatabase
	}
	return nil
}

// committed lets the judge check the database, and may lose the answer.
func (p *process) committed() error {
	p.w.judge.observe(p)
	often := p.w.faults.unknown
	if p.w.judge.parked.grew && !p.w.shared {
		often = min(often, 3) // without another instance, the process itself must remember its parked inputs
	}
	if !p.w.strikes(often) {
		return nil
	}
	p.w.seen("a commit happened and its answer was lost")
	return errDatabase
}

var errDatabase = errors.New("connection to the database is lost")

// kill ends a process at once. Its later actions reach nothing outside it.
func (w *world) kill(p *process) {
	w.tell("kill %s", p)
	w.mu.Lock()
	p.dead = true
	w.mu.Unlock()
	p.frozenUntil = time.Time{}
	p.cancel()
	w.releaseAll(p)
	for _, of := range []*[]*process{&w.live, &w.leaving} {
		*of = slices.DeleteFunc(*of, func(l *process) bool { return l == p })
	}
	w.revoke(p)
}

// stop ends a process gracefully. It gets its turns until it has ended.
func (w *world) stop(p *process) {
	w.tell("stop %s", p)
	p.cancel()
	w.live = slices.DeleteFunc(w.live, func(l *process) bool { return l == p })
	w.leaving = append(w.leaving, p)
	w.revoke(p)
}

// freeze keeps a process from going on, as SIGSTOP does.
func (w *world) freeze(p *process, d time.Duration) {
	w.tell("freeze %s %s", p, d)
	p.frozenUntil, p.frozenOnce = time.Now().Add(d), true
}

// stall keeps one goroutine from going on, as a scheduler, a page fault or a slow
// disk does, while the others of its process go on.
func (w *world) stall(d time.Duration) {
	able := w.settle()
	if len(able) == 0 {
		return
	}
	t := pick(w.scheduler, able)
	for _, other := range able { // a decision may be outdated when it is carried out
		if strings.HasSuffix(other.place, "read") && w.chance(2) {
			t = other
		}
	}
	w.tell("stall %s %s %s %s", t.who, t.place, t.about, d)
	t.stalled = time.Now().Add(d)
}

// endIdle ends a transaction that has idled for three seconds, as the server does.
func (w *world) endIdle() {
	w.mu.Lock()
	var idle []*turn
	for _, t := range w.waiting {
		held := t.who != nil && (t.who.frozen() || time.Now().Before(t.stalled))
		if held && (t.place == "commit" || t.place == "begin") && time.Since(t.since) >= 3*time.Second {
			idle = append(idle, t)
		}
	}
	w.mu.Unlock()
	for _, t := range idle {
		w.seen("a transaction that idled was ended")
		w.release(t, errDatabase)
		w.settle()
	}
}
