package flow

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the kit's tables and the participant's own, a set of that name,
// to their newest version. Instances may do so at the same time.
func Migrate(ctx context.Context, db *store.DB, set string, own fs.FS) error {
	sets := []string{".", "shared"}
	if !db.Shared() {
		sets = sets[:1]
	}
	for _, dir := range sets {
		files, err := fs.Sub(migrations, path.Join("migrations", dir))
		if err != nil {
			return err
		}
		if err := db.Migrate(ctx, strings.TrimSuffix("kit_"+dir, "_."), files); err != nil {
			return err
		}
	}
	return db.Migrate(ctx, set, own)
}

// Config is what an engine is made of.
//
// Changed is a hint. After a commit whose answer is lost it is told what may have
// changed, perhaps before it has; and of another instance's commit it may not hear.
// Whoever waits for a change looks by himself now and then.
type Config[S any] struct {
	Participant Participant[S]
	Store       Store[S]
	DB          *store.DB
	Codec       *registry.Codec
	Performers  []Performer         // nil: nobody makes the calls, see Answer
	OpenLog     func() (Log, error) // opens a producer; called again when one has failed for good
	Log         *slog.Logger
	Metrics     *Metrics
	Changed     func(keys []string) // told after each commit whose states changed; may be nil
	Instance    string              // names this one among those that share the database, the same after a restart
	OutboxBound int                 // unpublished events above which commands are refused
	Park        ParkPolicy
	Turns       Turns // a simulation's; nil in production
}

// Engine runs a participant: gather, load under lock, fold, write, commit,
// hand over. One goroutine does it for all of a service's inputs.
type Engine[S any] struct {
	Config[S]
	table    table[S]
	declared map[string]declared
	inputs   chan *Input
	relay    *relay
	effects  *effects[S]
	timers   *timers[S]
	parker   *parker[S]
	open     atomic.Bool // takes commands
	follow   *followUp[S]
	trouble  trouble
	unknown  sync.Map // since when the registry has not known a schema
}

// New makes an engine. The database must be migrated.
func New[S any](c Config[S]) (*Engine[S], error) {
	t, err := c.Participant.table()
	if err != nil {
		return nil, err
	}
	e := &Engine[S]{Config: c, table: t, declared: make(map[string]declared, len(t)), inputs: make(chan *Input, maxInputs)}
	for n, r := range t {
		e.declared[n] = r.declared()
	}
	e.follow = newFollowUp(e)
	e.relay = newRelay(c, e.follow.holding)
	e.timers = &timers[S]{e: e, running: map[timerID]*timerRow{}, changed: make(chan struct{}, 1)}
	e.parker = &parker[S]{e: e, woken: make(chan struct{}, 1)}
	if e.effects, err = newEffects(e, c.Performers); err != nil {
		return nil, err
	}
	return e, nil
}

const (
	maxInputs = 500     // of one batch; the bound on its statements follows from it
	maxBytes  = 4 << 20 // of one batch's records
	// flushAfter is how long acknowledged outbox rows wait for a batch to
	// take their deletion along before they get a transaction of their own.
	flushAfter = 50 * time.Millisecond
)

// Run handles inputs until ctx ends, then what is still queued, and returns
// when everything committed is published or stop has passed. A database that is
// out of reach is waited for, and told by Missing.
func (e *Engine[S]) Run(ctx context.Context, stop time.Duration) {
	if !e.readBack(ctx) {
		return // stopped before it began
	}
	if e.follow.shared {
		e.follow.look(ctx)
	}
	e.open.Store(true)
	// Workers make inputs, so they end first; the loop goes on until the
	// queue is empty; the relay is last, since the loop feeds it.
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	loop, stopLoop := context.WithCancel(context.WithoutCancel(ctx))
	publish, stopPublish := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPublish()
	var feeding, looping, publishing sync.WaitGroup
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	feeding.Go(func() { e.effects.run(workers, calls) })
	feeding.Go(func() { e.timers.run(workers) })
	feeding.Go(func() { e.parker.run(workers) })
	looping.Go(func() { e.loop(loop) })
	publishing.Go(func() { e.relay.run(publish) })
	leave := e.share(publish)

	<-ctx.Done()
	e.Turns.next("stop", "")
	e.open.Store(false)
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), stop)
	defer cancel()
	stopWorkers()
	cutCalls := time.AfterFunc(stop/2, stopCalls)
	feeding.Wait()
	e.Turns.next("drain", "")
	cutCalls.Stop()
	e.drain(deadline)
	stopLoop()
	looping.Wait()
	stopPublish()
	publishing.Wait()
	leave()
}

// share works together with the other instances until ctx ends. What it returns
// waits for the end, which is when the others may take over.
func (e *Engine[S]) share(ctx context.Context) (wait func()) {
	var sharing sync.WaitGroup
	if e.follow.shared {
		sharing.Go(func() { e.follow.keep(ctx) })
		sharing.Go(func() { e.follow.read(ctx) })
		sharing.Go(func() { e.follow.tell(ctx) })
		sharing.Go(func() {
			e.DB.Listen(ctx, e.follow.hear, func() {
				e.Turns.next("listen", "")
				e.follow.readAgain()
			})
		})
	}
	return sharing.Wait
}

// drain waits until nothing is queued and the broker has everything, or until
// the deadline; what is left then is in the tables, for the next start.
func (e *Engine[S]) drain(deadline context.Context) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	// Nothing queued does not yet mean nothing under way: the loop may have
	// taken the last inputs and not committed them. What is told of this one
	// comes after them.
	e.settle(deadline, &Input{ID: "drain", internal: func(*work) {}})
	for len(e.inputs) > 0 || e.relay.depth() > 0 || !e.follow.settled() {
		if len(e.inputs) == 0 && e.relay.acknowledged() {
			e.put(deadline, &Input{internal: func(*work) {}}) // an empty batch takes the deletions along
		}
		if e.Turns.await(deadline, nil, look.C, "drain", "") == ended {
			e.Log.Warn("stopping with work left; it goes on at the next start, or elsewhere", "queued", len(e.inputs), "unpublished", e.relay.depth())
			return
		}
	}
}

// readBack reads back until it succeeds; false when ctx ended first.
func (e *Engine[S]) readBack(ctx context.Context) bool {
	delay := e.Turns.newDelay()
	for {
		err := e.reload(ctx)
		if err == nil {
			e.trouble.clear("database")
			return true
		}
		e.trouble.set("database", err)
		e.Log.Error("cannot read back what is to be done; trying again", "error", err)
		if !e.Turns.pause(ctx, delay, "read back") {
			return false
		}
	}
}

// reload reads back what earlier processes, or a batch of unknown outcome,
// left to be done.
func (e *Engine[S]) reload(ctx context.Context) error {
	if err := e.relay.reload(ctx); err != nil {
		return err
	}
	signal(e.parker.woken) // a batch of unknown outcome may have parked something
	if e.follow.shared {
		e.follow.doubt()
		return nil
	}
	if err := e.effects.reload(ctx); err != nil {
		return err
	}
	return e.timers.reload(ctx)
}
