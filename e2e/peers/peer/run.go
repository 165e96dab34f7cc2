package peer

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/telemetry"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

//go:embed migrations/*.sql
var migrations embed.FS

// writers bounds a service's transactions at a time. On few cores more of them only
// wait for each other, and five services share one server's connections.
const writers = 6

// Run runs a service over an arm's runtime until ctx ends.
func Run(ctx context.Context, name string, open Open) error {
	switch name {
	case "order":
		return run(ctx, open, order.New)
	case "inventory":
		return run(ctx, open, inventory.New)
	case "payment":
		return run(ctx, open, payment.New)
	case "shipping":
		return run(ctx, open, shipping.New)
	case "email":
		return run(ctx, open, email.New)
	}
	return fmt.Errorf("no service is called %q", name)
}

func run[S any](ctx context.Context, open Open, made func() (service.Service[S], error)) (err error) {
	s, err := made()
	if err != nil {
		return err
	}
	c := s.Config
	log, lines := telemetry.NewLogger(os.Stdout, s.Participant.Service, c.LogLevel)
	defer func() { err = errors.Join(err, lines.Flush()) }()
	db, err := openPool(ctx, c.Database, writers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	p := &Peer{Service: s.Participant.Service, Config: c, Topics: s.Participant.Topics(), DB: db, Log: log}
	if err := prepare(ctx, p, s); err != nil {
		return err
	}
	var ready atomic.Bool
	p.Ready = func() { ready.Store(true) }
	runtime, err := open(p)
	if err != nil {
		return err
	}
	api, err := service.NewAPI(log, s.OpenAPI, db.Read(), runtime.Submit)
	if err != nil {
		return err
	}
	if s.Watched {
		p.changed = api.Changed
	}
	web.Operational(api.Echo, func() []string {
		if !ready.Load() {
			return []string{"broker: topics are not read yet"}
		}
		return nil
	}, func(context.Context) (any, error) { return struct{}{}, nil }, promhttp.Handler())
	s.Routes(api)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	log.Info("started", "http", c.HTTPAddr)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		defer stop()
		served <- web.Serve(ctx, listener, api.Echo)
	}()
	err = runtime.Run(ctx)
	stop()
	return errors.Join(err, <-served)
}

// prepare makes what a service needs before it runs: tables, schemas, topics.
func prepare[S any](ctx context.Context, p *Peer, s service.Service[S]) error {
	tables, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := p.DB.first.Migrate(ctx, "peer", tables); err != nil {
		return err
	}
	if err := p.DB.first.Migrate(ctx, p.Service, s.Migrations); err != nil {
		return err
	}
	contract, err := registry.Load(s.Contract)
	if err != nil {
		return fmt.Errorf("load schemas: %w", err)
	}
	codec := registry.NewCodec(contract, registry.NewClient(p.Config.Registry, 3*time.Second), p.Service)
	if err := codec.Register(ctx); err != nil {
		return fmt.Errorf("register schemas: %w", err)
	}
	table, err := s.Participant.Table()
	if err != nil {
		return err
	}
	callHandlers := map[string]flow.CallHandler{}
	for _, of := range s.CallHandlers {
		callHandlers[of.Call] = of
	}
	participant := &participant[S]{Service: s, table: table, codec: codec, callHandlers: callHandlers}
	p.Read, p.fold = participant.read, participant.fold
	return p.topics(ctx)
}

// topics creates the service's own topic, and waits for those that it reads.
func (p *Peer) topics(ctx context.Context) error {
	cluster, err := kafka.Connect(kafka.Settings{Brokers: p.Config.Brokers, Service: p.Service, Partitions: p.Config.Partitions, Replication: p.Config.Replication})
	if err != nil {
		return err
	}
	err = cluster.Create(flow.Topic(p.Service))
	for err == nil {
		found, problem := cluster.Describe(p.Topics)
		if err = problem; err != nil || len(found) == len(p.Topics) {
			break
		}
		if !wait(ctx, 100*time.Millisecond) {
			err = ctx.Err()
		}
	}
	return errors.Join(err, cluster.Close())
}
