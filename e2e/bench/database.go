package bench

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// onDatabase is the arm D: our engines on their databases, in this process. Topics are in
// memory, and provider, carrier and mail server accept at once. A costs more than D by
// the transport, HTTP and the outside world.
type onDatabase struct {
	bus     *bus
	working sync.WaitGroup
	closing []func() error
	submit  func(ctx context.Context, c engine.Command) error
	receive func(ctx context.Context, c engine.Command) error
}

// surroundings are a participant's contract, registry and database.
type surroundings struct {
	contract *registry.Contract
	registry string
	database func(service string) string
}

// yes makes a handler whose calls succeed at once, with the given result.
func yes[E, R any](result func(E) R) flow.CallHandler {
	_, mail := any(*new(E)).(email.SendMail) // marked before it is made: one more commit
	return flow.HandleCall(flow.Policy{Attempts: 1, AtMostOnce: mail}, func(_ context.Context, _ flow.Call, e E) (R, error) { return result(e), nil },
		func(e E, _ bool) R { return result(e) })
}

func newOnDatabase(ctx context.Context, at surroundings, seen func(*record.Record)) (*onDatabase, error) {
	d := &onDatabase{bus: &bus{next: map[string]*[partitions]int64{}, readers: map[string][]*subscription{}, seen: seen}}
	var err1, err2, err3, err4, err5 error
	d.submit, err1 = begin(ctx, d, at, order.Flow, order.Store, order.Migrations)
	d.receive, err2 = begin(ctx, d, at, inventory.Flow, inventory.Store, inventory.Migrations)
	_, err3 = begin(ctx, d, at, payment.Flow, payment.Store, payment.Migrations,
		yes(func(payment.Charge) payment.Charged { return payment.Charged{Outcome: payment.Approved} }),
		yes(func(payment.Void) payment.Voided { return payment.Voided{} }),
		yes(func(payment.Refund) payment.Refunded { return payment.Refunded{} }))
	_, err4 = begin(ctx, d, at, shipping.Flow, shipping.Store, shipping.Migrations,
		yes(func(b shipping.Book) shipping.BookingAnswered {
			return shipping.BookingAnswered{Outcome: shipping.Accepted, TrackingNumber: "T-" + b.OrderID}
		}),
		yes(func(shipping.Unbook) shipping.Unbooked { return shipping.Unbooked{} }))
	_, err5 = begin(ctx, d, at, email.Flow, email.Store, email.Migrations,
		yes(func(m email.SendMail) email.MailAnswered { return email.MailAnswered{NotificationID: m.NotificationID} }))
	return d, errors.Join(err1, err2, err3, err4, err5)
}

// begin starts an engine and returns the function that submits commands to it.
func begin[S any](ctx context.Context, d *onDatabase, at surroundings, p flow.Participant[S], s flow.Store[S], own fs.FS, callHandlers ...flow.CallHandler) (func(context.Context, engine.Command) error, error) {
	db, err := store.Open(ctx, at.database(p.Service))
	if err != nil {
		return nil, err
	}
	d.closing = append(d.closing, db.Close)
	if err := engine.Migrate(ctx, db, p.Service, own); err != nil {
		return nil, err
	}
	codec := registry.NewCodec(at.contract, registry.NewClient(at.registry, 3*time.Second), p.Service)
	if err := codec.Register(ctx); err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Config[S]{
		Participant: p, Store: s, DB: db, Codec: codec, CallHandlers: callHandlers, OpenProducer: d.bus.open,
		Log: slog.New(slog.DiscardHandler), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
		Instance: p.Service, OutboxBound: 50_000, Park: engine.ParkPolicy{Delay: 5 * time.Second, Attempts: 5},
	})
	if err != nil {
		return nil, err
	}
	reading := d.bus.subscribe(p.Topics())
	d.working.Go(func() { e.Run(ctx, 5*time.Second) })
	claims := map[string]*[partitions]*engine.Assignment{}
	var all []*engine.Assignment
	for _, topic := range p.Topics() {
		claims[topic] = new([partitions]*engine.Assignment)
		for n := range claims[topic] {
			claims[topic][n] = &engine.Assignment{Topic: topic, Partition: int32(n), Commit: func(int64) {}}
			all = append(all, claims[topic][n])
		}
	}
	if err := e.OnAssigned(ctx, all); err != nil {
		return nil, err
	}
	d.working.Go(func() {
		reading.read(ctx, func(r *record.Record) error { return e.Enqueue(ctx, claims[r.Topic][r.Partition], r) })
	})
	return func(ctx context.Context, c engine.Command) error {
		_, err := e.Submit(ctx, c)
		return err
	}, nil
}

// window keeps as many orders open as the other arms do, saturated.
func (d *onDatabase) window(ctx context.Context, p Plan, b *book, parts map[string][]int) (Run, error) {
	for n := range shelves {
		key := sku(n)
		if err := d.receive(ctx, engine.Command{Key: key, Body: inventory.ReceiveStock{SKU: key, Quantity: 1e9}}); err != nil {
			return Run{}, err
		}
	}
	from := time.Now()
	w := window{from.Add(p.Warm), from.Add(p.Warm + p.For)}
	m := meter{parts: parts}
	metering := make(chan error, 1)
	go func() { metering <- m.over(ctx, w) }()
	buying, over := context.WithDeadline(ctx, w.to)
	defer over()
	var all sync.WaitGroup
	var nth atomic.Int64
	for range Connections {
		all.Go(func() {
			for {
				select {
				case <-b.free:
				case <-buying.Done():
					return
				}
				id, begun := engine.NewKey(), time.Now()
				if err := d.submit(ctx, engine.Command{Key: id, Body: placing(id, int(nth.Add(1)))}); err != nil {
					b.refuse(err)
					continue
				}
				b.accept(id, begun)
			}
		})
	}
	all.Wait()
	if err := <-metering; err != nil {
		return Run{}, err
	}
	n := b.completed(w)
	if n == 0 {
		return Run{}, errors.Join(errors.New("no order was completed within the window"), b.reason)
	}
	used := m.used(n)
	used[inside] = used[harness] // the engines are in this process
	delete(used, harness)
	return Run{Point: Saturated, Completed: n, Refused: b.refused, Rate: float64(n) / p.For.Seconds(), Latency: b.latency(w), Parts: used}, nil
}

// onDatabases runs the arm D in a system that has no services.
func onDatabases(ctx context.Context, s *System, p Plan) (run Run, err error) {
	dir, err := os.MkdirTemp("", "quintet-bench-")
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	contract, err := registry.Load(schemas.FS)
	if err != nil {
		return Run{}, err
	}
	at := surroundings{contract, s.Target.Registry, func(service string) string { return filepath.Join(dir, service+".db") }}
	if s.login != nil {
		at.database = s.login
	}
	b := newBook(Outstanding)
	working, stop := context.WithCancel(ctx)
	d, err := newOnDatabase(working, at, func(r *record.Record) {
		for _, h := range r.Headers {
			if h.Name == "ce_type" && strings.HasSuffix(h.Value, ".OrderCompleted") {
				b.complete(r.Key, time.Now())
			}
		}
	})
	defer func() {
		stop()
		d.working.Wait()
		for _, c := range d.closing {
			err = errors.Join(err, c())
		}
	}()
	if err != nil {
		return Run{}, err
	}
	if run, err = d.window(working, p, b, s.parts); err != nil {
		return run, err
	}
	resting, cancel := context.WithTimeout(ctx, restBound)
	defer cancel()
	return run, b.empty(resting)
}
