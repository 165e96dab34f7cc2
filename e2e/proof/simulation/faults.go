package simulation

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// faults are the rates of faults in one simulation: each strikes in one of so many
// cases, or never (0). Every seed draws its own rates, and leaves some faults out. A
// storm of everything would hide the effects of two faults together (swarm testing).
type faults struct {
	begin, read, commit, refuse, lands, unknown, signal int // of the database
	outage                                              int // of it, for seconds
	open, publish                                       int // of the log
	redeliver, copies                                   int // of deliveries
	call                                                int // of the outside world
	kill, freeze, rebalance, stop                       int // of processes
	away                                                int // of the registry
	mend                                                int // the new binary comes before the calm
	stall                                               int // of one goroutine
	clock                                               int // time passes while a goroutine could go on
}

func drawFaults(s *scheduler) faults {
	some := func(of ...int) int {
		if s.chance(3) {
			return 0
		}
		return pick(s, of)
	}
	return faults{
		outage: []int{0, 0, 0, 300}[s.seed%4], // not drawn, so that what came before it strikes as it did
		begin:  some(40, 200), read: some(30, 100), commit: some(15, 60), refuse: some(15, 60), signal: some(2, 5), lands: some(20, 80), unknown: some(15, 60),
		open: some(4, 10), publish: some(6, 12, 40), redeliver: some(4, 20), copies: some(3, 10), call: some(5, 8, 20),
		kill: some(60, 200, 600), freeze: some(60, 200, 600), rebalance: some(50, 200, 600), stop: some(200, 800), mend: some(100, 300), away: some(100, 400), stall: some(20, 60, 300), clock: some(10, 40, 200),
	}
}

// strikes decides about a fault that strikes in one of n cases.
func (w *world) strikes(n int) bool { return !w.calm && w.chance(n) }

// way draws one of several outcomes of a step; the first few of n are bad.
func (w *world) way(n int) int {
	const well = 99
	if w.calm || n == 0 {
		return well
	}
	return w.IntN(n)
}

// fate is the fault that a step meets when it is about to be taken.
func (w *world) fate(t *turn) error {
	switch t.place {
	case "begin":
		if w.databaseIsAway() || w.strikes(w.faults.begin) {
			return errDatabase
		}
	case "read":
		if w.databaseIsAway() || w.strikes(w.faults.read) {
			return errDatabase
		}
	case "commit":
		if w.shared && w.strikes(w.faults.lands) { // a process with a file of its own has no connection to lose
			w.seen("a commit happened after its process had given it up")
			return w.landsLater(t.who)
		}
		if w.strikes(w.faults.refuse) {
			w.seen("a commit was refused, and certainly did not happen")
			return &pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "40001", Message: "could not serialize"}
		}
		if w.strikes(w.faults.commit) {
			w.seen("a commit did not happen, and nobody said so")
			return errDatabase
		}
	}
	return nil
}

// databaseIsAway reports whether no process can reach the database.
func (w *world) databaseIsAway() bool { return time.Now().Before(w.databaseAway) }

func (w *world) cutOff() {
	w.databaseAway = time.Now().Add(time.Duration(1+w.IntN(20)) * time.Second)
	w.tell("the database is away")
}

// disturb takes the database away when all is at rest, and adds one customer. If the
// customer meets the failure and goes away, no work is left.
func (w *world) disturb() {
	w.disturbed = true
	w.cutOff()
	w.customer("late")
}

// strike lets something happen outside the till.
func (w *world) strike() bool {
	switch {
	case w.strikes(w.faults.kill) && len(w.live)+len(w.leaving) > 0:
		w.kill(pick(w.scheduler, slices.Concat(w.live, w.leaving)))
	case w.strikes(w.faults.stop) && len(w.live) > 0:
		w.stop(pick(w.scheduler, w.live))
	case !w.mended && w.strikes(w.faults.mend):
		w.mend()
	case w.mended && w.chance(20) && w.rollOut():
	case w.strikes(w.faults.freeze) && len(w.live)+len(w.leaving) > 0:
		w.freeze(pick(w.scheduler, slices.Concat(w.live, w.leaving)), time.Duration(1+w.IntN(20))*time.Second)
	case len(w.schemas.texts) > 0 && w.strikes(w.faults.away):
		w.schemas.away = time.Now().Add(time.Duration(1+w.IntN(60)) * time.Second)
		w.tell("the registry is away")
	case w.strikes(w.faults.outage):
		w.cutOff()
	case w.strikes(w.faults.stall):
		w.stall(time.Duration(1+w.IntN(20)) * time.Second)
	case w.strikes(w.faults.rebalance):
		w.group.rebalance()
	case w.strikes(w.faults.clock):
		w.advance(pick(w.scheduler, []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second}))
	case len(w.landing) > 0 && w.chance(20):
		w.land()
	case len(w.outside.late) > 0 && w.chance(600):
		w.arrive()
	default:
		return w.repair()
	}
	return true
}

// repair starts instances that are down, and assigns partitions without a reader, after
// a while.
func (w *world) repair() bool {
	down := w.down()
	switch {
	case len(down) > 0 && (w.calm || w.chance(10)):
		w.start(pick(w.scheduler, down))
	case !w.group.whole() && len(w.live) > 0 && (w.calm || w.chance(10)):
		w.group.rebalance()
	default:
		return false
	}
	return true
}

// down are the instances that run no process and may run one. Where one process alone
// has the database, its successor waits for the file.
func (w *world) down() (names []string) {
	for _, name := range w.instances {
		up := name == w.buried
		for _, p := range w.live {
			up = up || p.instance == name
		}
		for _, p := range w.leaving {
			up = up || p.instance == name
		}
		if !up {
			names = append(names, name)
		}
	}
	return names
}

// land lets a commit happen after its process has given it up.
func (w *world) land() {
	land := w.landing[0]
	w.landing = w.landing[1:]
	w.tell("a commit lands")
	if err := land(); err != nil {
		panic(err) // its transaction was begun, and no other has written since
	}
}

// arrive lets a request arrive after its sender has stopped waiting, or lets it be
// lost.
func (w *world) arrive() {
	i := w.IntN(len(w.outside.late))
	l := w.outside.late[i]
	w.outside.late = append(w.outside.late[:i], w.outside.late[i+1:]...)
	if w.chance(4) {
		w.tell("%s %s never arrives", l.what, l.key)
		return
	}
	w.tell("%s %s arrives late", l.what, l.key)
	l.arrive()
}
