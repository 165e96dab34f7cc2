package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

// world is a tally's surroundings, which outlive its processes.
type world struct {
	t            *testing.T
	where        string
	db           *store.DB
	log          *flowtest.Log
	openLog      func() (engine.Producer, error)
	schemas      *schemaRegistry
	codecs       map[string]*registry.Codec
	broken       atomic.Bool
	panics       func(place, key string)
	held         atomic.Pointer[func()] // runs once, in the next batch that saves the tally of nobody
	callHandlers []flow.CallHandler
	park         engine.ParkPolicy
	bound        int
	changed      func(keys []string)
	offsets      map[string]int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel() // tests wait for disk and timers more than they compute
	w := &world{t: t, log: &flowtest.Log{}, schemas: &schemaRegistry{}, offsets: map[string]int64{}, bound: 10000,
		park: engine.ParkPolicy{Delay: 5 * time.Millisecond, Attempts: 3}, panics: func(string, string) {}, codecs: map[string]*registry.Codec{}}
	w.openLog = w.log.Open
	w.where = database(t)
	db, err := store.Open(t.Context(), w.where)
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	if err := engine.Migrate(t.Context(), db, "own", fstest.MapFS{"0001_tallies.sql": {Data: []byte(tables)}}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.schemas)
	t.Cleanup(server.Close)
	w.schemas.url = server.URL
	for _, owner := range []string{"tally", "feeder", "keeper"} {
		w.codecs[owner] = w.newCodec(owner)
	}
	return w
}

// newCodec is one as a new process has it, which remembers no id.
func (w *world) newCodec(owner string) *registry.Codec {
	w.t.Helper()
	c, err := registry.Load(contract())
	if err != nil {
		w.t.Fatal(err)
	}
	codec := registry.NewCodec(c, registry.NewClient(w.schemas.url, 5*time.Second), owner)
	if err := codec.Register(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return codec
}

// process is one run of the service.
type process struct {
	*world
	db     *store.DB // its own connections
	engine *engine.Engine[Tally]
	lines  *lines
	gather *prometheus.Registry
	cancel context.CancelFunc
	ended  chan struct{}
	claims map[string]*engine.Assignment
	marked atomic.Int64 // what the broker was told of the feeder's topic
}

func (w *world) start() *process { return w.startStopping(5 * time.Second) }

func (w *world) startStopping(stop time.Duration) *process {
	w.t.Helper()
	p := w.launch("one", w.db, stop)
	p.assign("feeder.events", "keeper.events")
	return p
}

// launch starts an instance, which reads no topic yet.
func (w *world) launch(instance string, db *store.DB, stop time.Duration) *process {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if w.callHandlers == nil {
		w.callHandlers = []flow.CallHandler{unanswered(ctx)}
		defer func() { w.callHandlers = nil }()
	}
	p := &process{world: w, db: db, lines: &lines{}, gather: prometheus.NewRegistry(), ended: make(chan struct{}), claims: map[string]*engine.Assignment{}}
	e, err := engine.New(engine.Config[Tally]{
		Participant: participant(w.broken.Load), Store: tallies(w.store), DB: db,
		Codec: w.codecs["tally"], CallHandlers: w.callHandlers, OpenProducer: w.openLog, Log: slog.New(slog.NewJSONHandler(p.lines, nil)),
		Metrics: engine.NewMetrics(p.gather), Instance: instance, OutboxBound: w.bound, Park: w.park, Changed: w.changed,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p.engine = e
	p.cancel = cancel
	go func() {
		defer close(p.ended)
		e.Run(ctx, stop)
	}()
	w.t.Cleanup(p.stop)
	return p
}

// unanswered makes calls that nobody answers while the process runs.
func unanswered(running context.Context) flow.CallHandler {
	return flow.HandleCall(flow.Policy{Timeout: time.Hour}, func(ctx context.Context, _ flow.Call, _ Ring) (Rung, error) {
		select {
		case <-running.Done():
		case <-ctx.Done():
		}
		return Rung{}, flow.ErrNoEffect
	}, nil)
}

// store is told of each row that is loaded and saved.
func (w *world) store(place, key string) {
	if key == "nobody" && place == "save" {
		if held := w.held.Swap(nil); held != nil {
			(*held)()
		}
	}
	w.panics(place, key)
}

// assign takes over partition 0 of topics.
func (p *process) assign(topics ...string) {
	p.t.Helper()
	var claims []*engine.Assignment
	for _, topic := range topics {
		c := &engine.Assignment{Topic: topic, Commit: func(int64) {}}
		if topic == "feeder.events" {
			c.Commit = p.marked.Store
		}
		claims = append(claims, c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.engine.OnAssigned(ctx, claims); err != nil {
		p.t.Fatal(err)
	}
	for _, c := range claims {
		p.claims[c.Topic] = c
	}
}

func (p *process) stop() {
	p.cancel()
	<-p.ended
}

// kill ends the process as a crash does: from here on nothing commits.
func (p *process) kill() {
	p.t.Helper()
	p.db.SetFaults(store.Faults{BeforeCommit: func() error { return errors.New("the process is gone") }})
	p.stop()
	p.db.SetFaults(store.Faults{})
}

// record is an event as its owner publishes it, at the end of its topic.
func (w *world) record(ev flow.Event, id string, seq int64) *record.Record {
	w.t.Helper()
	value, dataSchema, err := w.codecs[ev.EventOwner()].Encode(ev.EventType(), ev)
	if err != nil {
		w.t.Fatal(err)
	}
	topic := flow.Topic(ev.EventOwner())
	w.offsets[topic]++
	return &record.Record{Topic: topic, Offset: w.offsets[topic] - 1, Key: ev.EventKey(), Value: value, Headers: []record.Header{
		{Name: "ce_id", Value: id}, {Name: "ce_type", Value: ev.EventType()}, {Name: "ce_dataschema", Value: dataSchema},
		{Name: "ce_sequence", Value: strconv.FormatInt(seq, 10)}, {Name: "ce_correlationid", Value: "story"},
	}}
}

// send delivers records, each to its topic's claim.
func (p *process) send(records ...*record.Record) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, r := range records {
		if err := p.engine.Enqueue(ctx, p.claims[r.Topic], r); err != nil {
			p.t.Fatal(err)
		}
	}
}

// add delivers an amount as an event of its own.
func (p *process) add(key string, amount int64, then string) {
	p.t.Helper()
	n := p.offsets["feeder.events"]
	p.send(p.record(Added{Tally: key, Amount: amount, Then: then}, fmt.Sprintf("added-%d", n), n+1))
}

// taken waits until everything that was sent is taken in.
func (p *process) taken() {
	p.t.Helper()
	eventually(p.t, "everything sent is taken in", func() bool {
		next, err := p.engine.Positions(context.Background())
		if err != nil {
			return false
		}
		for topic, end := range p.offsets {
			if next[topic+"/0"] != end {
				return false
			}
		}
		return true
	})
}

// trail is what a tally went through.
func (w *world) trail(key string) string {
	return w.one(`SELECT trim(coalesce((SELECT trail FROM tallies WHERE key = ?), ''))`, key)
}

func (w *world) one(query string, args ...any) (v string) {
	w.t.Helper()
	if err := w.db.Read().QueryRowContext(context.Background(), query, args...).Scan(&v); err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) count(table string) string {
	if table == "inbox" {
		table = ownInbox
	}
	return w.one(`SELECT count(*) FROM ` + table)
}

// ownInbox leaves out what is entered for the version before.
const ownInbox = `(SELECT * FROM inbox WHERE digest <> 'before') AS own`

// published are the records of a topic by first appearance, each id once.
func (w *world) published(topic string) (records []record.Record, copies int) {
	seen := map[string]bool{}
	for _, r := range w.log.Records() {
		if id := header(r, "ce_id") + header(r, "dl_input"); r.Topic == topic {
			if seen[id] {
				copies++
				continue
			}
			seen[id] = true
			records = append(records, r)
		}
	}
	return records, copies
}

// drained waits until the broker has everything and the outbox is empty.
func (p *process) drained() {
	p.t.Helper()
	eventually(p.t, "the outbox is empty", func() bool { return p.count("outbox") == "0" })
}

func (p *process) gauge(name string) (v float64) {
	families, err := p.gather.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			v = f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return v
}

func (p *process) metric(name string) (sum float64) {
	families, err := p.gather.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
