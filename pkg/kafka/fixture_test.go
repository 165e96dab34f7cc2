package kafka_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

// The participant of these tests hears what a caller says and echoes it.

type Said struct {
	Hall string `avro:"hall"`
	N    int64  `avro:"n"`
}

type Rested struct {
	Hall string `avro:"hall"`
}

type Echoed struct {
	Hall string `avro:"hall"`
	N    int64  `avro:"n"`
}

func (Said) EventType() string    { return "test.caller.Said" }
func (Rested) EventType() string  { return "test.sleeper.Rested" }
func (Echoed) EventType() string  { return "test.echo.Echoed" }
func (Said) EventOwner() string   { return "caller" }
func (Rested) EventOwner() string { return "sleeper" }
func (Echoed) EventOwner() string { return "echo" }
func (e Said) EventKey() string   { return e.Hall }
func (e Rested) EventKey() string { return e.Hall }
func (e Echoed) EventKey() string { return e.Hall }

func contract() fstest.MapFS {
	record := func(owner, name, more string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(fmt.Sprintf(`{"type":"record","name":%q,"namespace":"test.%s","fields":[{"name":"hall","type":"string"}%s]}`, name, owner, more))}
	}
	return fstest.MapFS{
		"caller/Said/v1.avsc":    record("caller", "Said", `,{"name":"n","type":"long"}`),
		"sleeper/Rested/v1.avsc": record("sleeper", "Rested", ""),
		"echo/Echoed/v1.avsc":    record("echo", "Echoed", `,{"name":"n","type":"long"}`),
	}
}

const tables = `-- +goose Up
CREATE TABLE halls (hall TEXT PRIMARY KEY, heard TEXT NOT NULL) WITHOUT ROWID;
`

// hall is where a caller is heard.
type hall struct{ Name, Heard string }

func echo(sleeper bool) flow.Participant[hall] {
	p := flow.Participant[hall]{Service: "echo", Terminal: []flow.Event{Echoed{}}, Reactions: []flow.Reaction[hall]{
		flow.OnEvent(func(h hall, e Said, out *flow.Out) hall {
			out.Emit(Echoed(e))
			h.Heard += " " + strconv.FormatInt(e.N, 10)
			return h
		}).Emits(Echoed{}),
	}}
	if sleeper {
		p.Reactions = append(p.Reactions, flow.OnEvent(func(h hall, _ Rested, _ *flow.Out) hall {
			h.Heard += " rested"
			return h
		}))
	}
	return p
}

var halls = flow.RowStore[hall]{Table: store.NewTable("halls", "hall", []string{"hall", "heard"}, func(h *hall) []any { return []any{&h.Name, &h.Heard} })}

// cluster is a broker that a test has for itself: the embedded stack's, as it is
// shipped, or with the build tag "containers" a real one. Its address and its
// data outlast a Stop and a Kill.
type cluster interface {
	Address() string
	Stop(ctx context.Context) error // as a deployment does
	Kill(ctx context.Context) error // as kill -9 does
	Start(ctx context.Context) error
}

// broker returns a broker without topics, and settings with a group of its own.
func broker(t *testing.T) (cluster, kafka.Settings) {
	t.Helper()
	c := openCluster(t)
	return c, kafka.Settings{Brokers: []string{c.Address()}, Service: fmt.Sprintf("echo-%d", time.Now().UnixNano()), Partitions: partitions, Replication: 1}
}

const partitions = 4

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	if err := engine.Migrate(t.Context(), db, "own", fstest.MapFS{"0001_halls.sql": {Data: []byte(tables)}}); err != nil {
		t.Fatal(err)
	}
	return db
}

// member is a running instance of the echo.
type member struct {
	engine   *engine.Engine[hall]
	consumer *kafka.Consumer
	db       *store.DB
	stop     func()
}

type options struct {
	sleeper bool
	changed func([]string)
	log     io.Writer // nil: nobody reads it
}

func (o options) logger() *slog.Logger {
	if o.log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewJSONHandler(o.log, nil))
}

func start(t *testing.T, s kafka.Settings, instance string, db *store.DB, o options) *member {
	t.Helper()
	s.Instance = instance
	engine, stopEngine := startEngine(t, s, db, o)
	c := kafka.NewConsumer(s, engine, echo(o.sleeper).Topics(), []string{"echo.events", "echo.dead-letter"}, o.logger())
	reading, stopReading := context.WithCancel(context.Background())
	var read sync.WaitGroup
	read.Go(func() { c.Run(reading) })
	m := &member{engine: engine, consumer: c, db: db, stop: sync.OnceFunc(func() { stopReading(); read.Wait(); stopEngine() })}
	t.Cleanup(m.stop)
	return m
}

// startEngine runs the echo's engine, which nobody feeds yet.
func startEngine(t *testing.T, s kafka.Settings, db *store.DB, o options) (e *engine.Engine[hall], stop func()) {
	t.Helper()
	e, err := engine.New(engine.Config[hall]{
		Participant: echo(o.sleeper), Store: halls, DB: db, Codec: flowtest.Codec(t, contract(), "echo"),
		OpenProducer: func() (engine.Producer, error) { return kafka.Open(s) }, Log: o.logger(), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
		Changed: o.changed, OutboxBound: 10000, Park: engine.ParkPolicy{Delay: time.Second, Attempts: 3},
	})
	must(t, err)
	working, stopWorking := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { e.Run(working, 5*time.Second) })
	return e, func() { stopWorking(); work.Wait() }
}

// caller publishes what is said, with the client that is tested.
type caller struct {
	t     *testing.T
	s     kafka.Settings
	codec *registry.Codec
	said  int64
}

func newCaller(t *testing.T, s kafka.Settings) *caller {
	return &caller{t: t, s: s, codec: flowtest.Codec(t, contract(), "caller")}
}

// createTopics makes the topics that others own.
func createTopics(t *testing.T, s kafka.Settings, topics ...string) {
	t.Helper()
	c, err := kafka.Connect(s)
	must(t, err)
	for _, topic := range topics {
		must(t, c.Create(topic))
		describe(t, c, topic)
	}
	must(t, c.Close())
}

// say publishes the next number to every hall and waits for the broker.
func (c *caller) say(halls ...string) {
	c.t.Helper()
	log, err := kafka.Open(c.s)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, hall := range halls {
		value, dataSchema, err := c.codec.Encode(Said{}.EventType(), Said{Hall: hall, N: c.said})
		if err != nil {
			c.t.Fatal(err)
		}
		id := fmt.Sprintf("said-%d-%s", c.said, hall)
		log.Publish(c.t.Context(), id, &record.Record{Topic: "caller.events", Key: hall, Value: value, Headers: []record.Header{
			{Name: "ce_id", Value: id}, {Name: "ce_type", Value: Said{}.EventType()}, {Name: "ce_dataschema", Value: dataSchema}, {Name: "ce_sequence", Value: strconv.FormatInt(c.said+1, 10)},
		}})
	}
	for range halls {
		if p := <-log.Acks(); p.Err != nil {
			c.t.Fatal(p.Err)
		}
	}
	c.said++
	if err := log.Close(); err != nil {
		c.t.Fatal(err)
	}
}

func names(n int) []string {
	halls := make([]string, n)
	for i := range halls {
		halls[i] = fmt.Sprintf("hall-%d", i)
	}
	return halls
}

func heard(t *testing.T, db *store.DB, hall string) string {
	t.Helper()
	var text string
	if err := db.Read().QueryRowContext(context.Background(), `SELECT trim(coalesce((SELECT heard FROM halls WHERE hall = ?), ''))`, hall).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// ready waits until the member reads its partitions.
func (m *member) ready(t *testing.T) {
	t.Helper()
	eventually(t, "the member is ready", func() bool { return len(m.consumer.Missing()) == 0 })
}

func (m *member) missing() string { return strings.Join(m.consumer.Missing(), "; ") }

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(30 * time.Second)
	defer end.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-end.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func dbPath(t *testing.T) string { return filepath.Join(t.TempDir(), "echo.db") }
