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
		return run(ctx, open, order.ConfigFromEnv, order.Parts, func(c order.Config) service.Config { return c.Config })
	case "inventory":
		return run(ctx, open, inventory.ConfigFromEnv, inventory.Parts, func(c inventory.Config) service.Config { return c.Config })
	case "payment":
		return run(ctx, open, payment.ConfigFromEnv, payment.Parts, func(c payment.Config) service.Config { return c.Config })
	case "shipping":
		return run(ctx, open, shipping.ConfigFromEnv, shipping.Parts, func(c shipping.Config) service.Config { return c.Config })
	case "email":
		return run(ctx, open, email.ConfigFromEnv, email.Parts, func(c email.Config) service.Config { return c.Config })
	}
	return fmt.Errorf("no service is called %q", name)
}

func run[C, S any](ctx context.Context, open Open, config func() (C, error), made func(C) (service.Parts[S], error), common func(C) service.Config) (err error) {
	own, err := config()
	if err != nil {
		return err
	}
	parts, err := made(own)
	if err != nil {
		return err
	}
	c := common(own)
	log, lines := telemetry.NewLogger(os.Stdout, parts.Participant.Service, c.LogLevel)
	defer func() { err = errors.Join(err, lines.Flush()) }()
	db, err := openPool(ctx, c.Database, writers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	p := &Peer{Service: parts.Participant.Service, Config: c, Topics: parts.Participant.Topics(), DB: db, Log: log, changed: parts.Changed}
	if err := prepare(ctx, p, parts); err != nil {
		return err
	}
	var ready atomic.Bool
	p.Ready = func() { ready.Store(true) }
	runtime, err := open(p)
	if err != nil {
		return err
	}
	e := web.New(log)
	web.Operational(e, func() []string {
		if !ready.Load() {
			return []string{"broker: topics are not read yet"}
		}
		return nil
	}, func(context.Context) (any, error) { return struct{}{}, nil }, promhttp.Handler())
	parts.Routes(e, db.first, runtime.Submit)
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
		served <- web.Serve(ctx, listener, e)
	}()
	err = runtime.Run(ctx)
	stop()
	return errors.Join(err, <-served)
}

// prepare makes what a service needs before it runs: tables, schemas, topics.
func prepare[S any](ctx context.Context, p *Peer, parts service.Parts[S]) error {
	tables, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := p.DB.first.Migrate(ctx, "peer", tables); err != nil {
		return err
	}
	if err := p.DB.first.Migrate(ctx, p.Service, parts.Migrations); err != nil {
		return err
	}
	contract, err := registry.Load(parts.Contract)
	if err != nil {
		return fmt.Errorf("load schemas: %w", err)
	}
	codec := registry.NewCodec(contract, registry.NewClient(p.Config.Registry, 3*time.Second), p.Service)
	if err := codec.Register(ctx); err != nil {
		return fmt.Errorf("register schemas: %w", err)
	}
	table, err := parts.Participant.Table()
	if err != nil {
		return err
	}
	performers := map[string]flow.Performer{}
	for _, of := range parts.Performers {
		performers[of.Effect] = of
	}
	participant := &participant[S]{Parts: parts, table: table, codec: codec, performers: performers}
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
