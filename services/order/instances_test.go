//go:build containers

package order

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/containers"
	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

// desks is how many instances take part, races how many orders they fight over.
const (
	desks = 2
	races = 10_000
)

// TestTwoInstancesEndAnOrderOnce lets three things happen to each order at the
// same time, at either of two instances: the customer cancels, the stock is
// released, the deadline passes. With stale state in one of them the order would
// be asked to be cancelled twice, or end twice, or be asked after its end.
func TestTwoInstancesEndAnOrderOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	log := &flowtest.Log{}
	engines, db := sharedDesks(ctx, t, log)
	released := &engine.Assignment{Topic: "inventory.events", Commit: func(int64) {}}
	if err := engines[0].OnAssigned(ctx, []*engine.Assignment{released}); err != nil {
		t.Fatal(err)
	}
	inventory := flowtest.Codec(t, schemas.FS, "inventory")
	any := func() *engine.Engine[Order] { return engines[rand.IntN(desks)] }
	var offsets sync.Mutex // records of a partition are delivered one after the other
	var next int64
	deliver := func(id string) error {
		value, dataSchema, err := inventory.Encode("quintet.inventory.StockReleased", events.StockReleased{OrderID: id, Reason: events.ReasonDeclined})
		if err != nil {
			return err
		}
		offsets.Lock()
		defer offsets.Unlock()
		next++
		return engines[0].Enqueue(ctx, released, &record.Record{Topic: "inventory.events", Offset: next - 1, Key: id, Value: value, Headers: []record.Header{
			{Name: "ce_type", Value: "quintet.inventory.StockReleased"}, {Name: "ce_dataschema", Value: dataSchema},
		}})
	}
	race := func(id string) {
		if _, err := any().Submit(ctx, engine.Command{Key: id, Body: PlaceOrder{OrderID: id, Deadline: time.Duration(1+rand.IntN(20)) * time.Millisecond}}); err != nil {
			t.Errorf("place %s: %v", id, err)
			return
		}
		var at sync.WaitGroup
		at.Go(func() {
			if _, err := any().Submit(ctx, engine.Command{Key: id, Body: CancelOrder{OrderID: id}}); err != nil && !errors.Is(err, ErrTerminal) {
				t.Errorf("cancel %s: %v", id, err)
			}
		})
		at.Go(func() {
			if err := deliver(id); err != nil {
				t.Errorf("release stock of %s: %v", id, err)
			}
		})
		at.Wait()
	}
	began := time.Now()
	var racing sync.WaitGroup
	lanes := make(chan struct{}, 100)
	for n := range races {
		lanes <- struct{}{}
		racing.Go(func() {
			defer func() { <-lanes }()
			race(fmt.Sprintf("order-%d", n))
		})
	}
	racing.Wait()
	settled(ctx, t, db)
	t.Logf("%d races in %v", races, time.Since(began))
	judge(t, log)
}

// sharedDesks runs the service's engine over one database as often as there are
// instances.
func sharedDesks(ctx context.Context, t *testing.T, log *flowtest.Log) (engines []*engine.Engine[Order], db *store.DB) {
	pg, err := containers.StartPostgres(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	where, err := pg.Database(ctx, "order")
	if err != nil {
		t.Fatal(err)
	}
	codec := flowtest.Codec(t, schemas.FS, "order")
	for n := range desks {
		if db, err = store.Open(ctx, where); err != nil {
			t.Fatal(err)
		}
		own := db
		if err := engine.Migrate(ctx, db, "order", Migrations); err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(engine.Config[Order]{
			Participant: Flow, Store: Store, DB: db, Codec: codec, OpenProducer: log.Open, Log: slog.New(slog.DiscardHandler), Instance: fmt.Sprintf("order-%d", n),
			Metrics: engine.NewMetrics(prometheus.NewRegistry()), OutboxBound: 10 * races, Park: engine.ParkPolicy{Delay: time.Second, Attempts: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		running, stop := context.WithCancel(context.Background())
		var ended sync.WaitGroup
		ended.Go(func() { e.Run(running, 10*time.Second) })
		t.Cleanup(func() {
			stop()
			ended.Wait()
			if err := own.Close(); err != nil {
				t.Error(err)
			}
		})
		if err := e.OnAssigned(ctx, nil); err != nil { // returns once the loop runs
			t.Fatal(err)
		}
		engines = append(engines, e)
	}
	return engines, db
}

// settled waits until every order has ended and everything is published.
func settled(ctx context.Context, t *testing.T, db *store.DB) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		var ended, left int
		err := db.Read().QueryRowContext(ctx, `SELECT (SELECT count(*) FROM orders WHERE status = 'cancelled'),
			(SELECT count(*) FROM outbox) + (SELECT count(*) FROM timers) + (SELECT count(*) FROM parked)`).Scan(&ended, &left)
		if err == nil && ended == races && left == 0 {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%d of %d orders have ended, %d rows are left: %v", ended, races, left, err)
		}
	}
}

// judge holds what was published about each order against the protocol: placed,
// asked to be cancelled at most once, cancelled once, each with its sequence.
func judge(t *testing.T, log *flowtest.Log) {
	t.Helper()
	seen := map[string]bool{}
	course := map[string]string{}
	copies := 0
	for _, r := range log.Records() {
		h := map[string]string{}
		for _, header := range r.Headers {
			h[header.Name] = header.Value
		}
		if seen[h["ce_id"]] {
			copies++
			continue
		}
		seen[h["ce_id"]] = true
		course[r.Key] += " " + h["ce_sequence"] + h["ce_type"][len("quintet.order."):]
	}
	ends := map[string]int{}
	for id, c := range course {
		ends[c]++
		switch c {
		case " 1OrderPlaced 2CancellationRequested 3OrderCancelled", " 1OrderPlaced 2OrderCancelled":
		default:
			t.Errorf("%s:%s", id, c)
		}
	}
	if len(course) != races {
		t.Errorf("%d orders were published, want %d", len(course), races)
	}
	t.Logf("%v, %d copies", ends, copies)
}
