package engine

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

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the engine's tables and the participant's own to their newest version.
// set names the participant's migrations. Instances may call Migrate at the same time.
func Migrate(ctx context.Context, db *store.DB, set string, own fs.FS) error {
	for _, dir := range []string{".", "shared"} {
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

// Config holds the parts and settings of an engine.
type Config[S any] struct {
	Participant  flow.Participant[S]
	Store        flow.Store[S]
	DB           *store.DB // migrated
	Codec        *registry.Codec
	CallHandlers []flow.CallHandler
	OpenProducer func() (Producer, error) // called again once a producer failed for good
	Log          *slog.Logger
	Metrics      *Metrics
	// Changed runs after each commit, with the keys whose states changed. nil
	// stands for any key: another instance committed. Changed is best effort. It
	// may run before the commit is visible, and may miss one, so waiters must also
	// poll. The field may be nil.
	Changed     func(keys []string)
	Instance    string // names this instance within the shared database, the same after a restart
	OutboxBound int    // unpublished events above which commands are refused
	Park        ParkPolicy
	Turns       Turns // set by a simulation; nil in production
}

// Engine runs a participant: gather, load under lock, fold, write, commit. One
// goroutine handles all of a service's inputs. Four followers do the follow-up work of
// the commits.
type Engine[S any] struct {
	Config[S]
	leases   *leases
	missing  sync.Map // why the service cannot go on, by dependency
	table    flow.Table[S]
	inputs   chan *input
	idle     chan *input   // the relay's deletions
	took     time.Duration // by the latest transaction; only the loop uses it
	open     atomic.Bool   // commands are accepted
	relay    *relay[S]
	calls    *calls[S]
	timers   *follower[S, timer]
	lanes    *lanes[S]
	notifier *notifier[S]
	unknown  sync.Map // when the registry first did not know a schema
}

// New makes an engine. It fails when the participant's table contradicts itself, or
// c.CallHandlers do not fit the table.
func New[S any](c Config[S]) (*Engine[S], error) {
	t, err := c.Participant.Table()
	if err != nil {
		return nil, err
	}
	held := &leases{db: c.DB, instance: c.Instance, process: uuid.NewString(), seen: map[string]beat{}}
	e := &Engine[S]{Config: c, leases: held, table: t, inputs: make(chan *input, maxInputs), idle: make(chan *input, 1)}
	e.relay = newRelay(e)
	if e.calls, err = newCalls(e, c.CallHandlers); err != nil {
		return nil, err
	}
	held.repeatable = e.calls.repeatable()
	e.timers, e.lanes = newTimers(e), newLanes(e)
	e.notifier = &notifier[S]{e: e, hint: make(chan struct{}, 1), heard: make(chan struct{}, 1)}
	return e, nil
}

// The numbers of the followers in the hints that instances send each other.
const (
	toRelay = iota
	toCalls
	toTimers
	toLanes
)

// hints returns each follower's hint channel.
func (e *Engine[S]) hints() [4]chan struct{} {
	return [...]chan struct{}{toRelay: e.relay.hint, toCalls: e.calls.hint, toTimers: e.timers.hint, toLanes: e.lanes.hint}
}

// Wake makes every follower read its table, for a caller that changed one by itself.
func (e *Engine[S]) Wake() {
	for _, hint := range e.hints() {
		signal(hint)
	}
}

// wake hints to the followers that a batch left work for, here and at other instances.
func (e *Engine[S]) wake(b *batch) {
	o, working, hints, elsewhere := &b.out, e.leases.working(), e.hints(), 0
	hint := func(follower int, key string) {
		if working[shardOf(key)] != 0 {
			signal(hints[follower])
		} else {
			elsewhere |= 1 << follower
		}
	}
	e.relay.backlog.Add(int64(len(o.records)))
	e.relay.pace.Add(int64(len(o.records)))
	for i := range o.records {
		hint(toRelay, o.records[i].Key)
	}
	for i := range o.calls {
		hint(toCalls, o.calls[i].key)
	}
	soon := b.now.Add(pollEvery).UnixMicro()
	for _, t := range o.timers {
		if t != nil && t.due <= soon {
			hint(toTimers, t.key)
		}
	}
	for i := range o.parked {
		if o.parked[i].due <= soon {
			hint(toLanes, o.parked[i].key)
		}
	}
	for i := range o.unparked {
		hint(toLanes, o.unparked[i].key)
	}
	if elsewhere != 0 {
		e.notifier.tell(elsewhere)
	}
}
