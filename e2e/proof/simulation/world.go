package simulation

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

// world is everything around the processes of one simulation.
type world struct {
	*scheduler
	faults   faults
	shared   bool // two instances over one database
	database *store.Simulated
	codecs   map[string]*registry.Codec
	topics   *topics
	outside  *outside
	schemas  *schemas
	judge    *judge
	group    *group

	instances    []string
	buried       string // the instance that died for good
	live         []*process
	leaving      []*process
	all          []*process
	runs         int
	calm         bool                // nothing strikes any more
	bursting     bool                // more has come than a batch holds
	disturbed    bool                // the database was away when all was at rest
	mended       bool                // there is a new binary, in which nothing is ill
	ill          map[string]*illness // by order and input
	over         bool
	databaseAway time.Time // until then no process reaches the database
	busy         int       // of the world's own goroutines: feeders and customers
	landing      []func() error

	paths      sync.Mutex
	rare       map[string]int
	underWay   map[string]*process // the process that has a command, by its key
	violations []string
}

func newWorld(seed uint64, path string, codecs map[string]*registry.Codec, story io.Writer) (*world, error) {
	w := &world{scheduler: newScheduler(seed, story), codecs: codecs, topics: newTopics(int64(seed%3) * 5), rare: map[string]int{}, ill: map[string]*illness{}, underWay: map[string]*process{}}
	w.faults = drawFaults(w.scheduler)
	w.shared = w.chance(2)
	w.instances = []string{"A"}
	if w.shared {
		w.instances = []string{"A", "B"}
	}
	w.outside = &outside{w: w, captured: map[string]int{}, refunded: map[string]int{}, voided: map[string]bool{}, receipts: map[string]int{}, stamps: map[string]string{}, declines: map[string]bool{}, made: map[string]string{}}
	w.judge = newJudge(w)
	contract, err := registry.Load(contract())
	if err != nil {
		return nil, err
	}
	w.schemas = &schemas{w: w, contract: contract, learned: map[string]time.Time{}, never: map[string]bool{}, soon: map[string]bool{}}
	w.group = newGroup(w)
	w.database = store.NewSimulated(path, w.shared)
	return w, nil
}

// seen counts a rare path: without these a run is worth little.
func (w *world) seen(path string) {
	w.paths.Lock()
	defer w.paths.Unlock()
	w.rare[path]++
}

func (w *world) violate(format string, args ...any) {
	w.paths.Lock()
	defer w.paths.Unlock()
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// group decides which process reads which partition.
type group struct {
	w      *world
	claims []partition
	owner  map[partition]*process
	moves  map[partition]int // counts its owners
}

type partition struct {
	topic string
	n     int32
}

func newGroup(w *world) *group {
	g := &group{w: w, owner: map[partition]*process{}, moves: map[partition]int{}}
	for _, topic := range table(nil).Topics() {
		for n := range int32(partitions) {
			g.claims = append(g.claims, partition{topic, n})
		}
	}
	return g
}

// revoke takes a process's partitions away.
func (w *world) revoke(p *process) {
	for c, owner := range w.group.owner {
		if owner == p {
			delete(w.group.owner, c)
		}
	}
}

// whole reports whether every partition is read by a process that lives.
func (g *group) whole() bool { return len(g.owner) == len(g.claims) }

// rebalance assigns partitions to processes: those without a reader, and some that have
// one.
func (g *group) rebalance() {
	if len(g.w.live) == 0 {
		return
	}
	given := map[*process][]partition{}
	for _, c := range g.claims {
		if g.owner[c] != nil && (g.w.calm || g.w.chance(2)) {
			continue
		}
		p := pick(g.w.scheduler, g.w.live)
		g.owner[c] = p
		g.moves[c]++
		given[p] = append(given[p], c)
	}
	for _, p := range g.w.live {
		if len(given[p]) > 0 {
			g.w.tell("%s is given %v", p, given[p])
			go g.take(p, given[p])
		}
	}
}

// take lets a process take partitions over and read them.
func (g *group) take(p *process, parts []partition) {
	p.joining <- struct{}{}
	defer func() { <-p.joining }()
	if g.w.wait(p, "assign", fmt.Sprint(parts)) != nil {
		return
	}
	claims := make([]*engine.Assignment, len(parts))
	for i, c := range parts {
		claims[i] = &engine.Assignment{Topic: c.topic, Partition: c.n, LogStart: g.w.topics.first, Commit: func(next int64) { g.w.judge.marked(p, c, next) }}
	}
	moves := map[partition]int{}
	for _, c := range parts {
		moves[c] = g.moves[c]
	}
	if p.engine.OnAssigned(p.ctx, claims) != nil {
		return // it is gone
	}
	for i, c := range parts {
		p.reading = p.reading || c == partition{"room.events", partitionOf(heavyOrder)}
		go p.consume(p.ctx, claims[i], moves[c], func() bool { return g.owner[c] == p && g.moves[c] == moves[c] })
	}
}
