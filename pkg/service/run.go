package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/telemetry"
	"github.com/quintet-eda/quintet/pkg/web"
)

// Service holds the parts that make one service different from another.
type Service[S any] struct {
	Config
	Participant  flow.Participant[S]
	Store        flow.Store[S]
	Migrations   fs.FS  // of the service's own tables
	Contract     fs.FS  // all schemas
	OpenAPI      []byte // of its routes
	CallHandlers []flow.CallHandler
	Routes       func(*API)
	// Watched reports that requests wait for states to change. The changes of another
	// instance count too.
	Watched bool
}

// Main runs a service until it is asked to stop (SIGINT, SIGTERM), and ends the process
// with 1 when it fails.
func Main[S any](made func() (Service[S], error)) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := made()
	if err == nil {
		err = s.Run(ctx)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.Participant.Service, err)
		os.Exit(1) //nolint:gocritic // what is deferred is of a process that ends
	}
}

// version names the build: the linker sets it (-X), see deploy/Dockerfile.
var version = "dev"

// The service registers its schemas again at these intervals, so that a registry that
// lost its memory gets them back. The interval is long while the registry answers. It
// is short after a failure, since the registry may be starting anew.
const (
	registerAgain = 5 * time.Second
	registerSoon  = 500 * time.Millisecond
)

// Run runs a service until ctx ends, and stops it in an order that loses nothing. The
// HTTP server and the consumer stop first, at the same time. After both, the engine
// drains its queue and its outbox. The database closes last.
func (s Service[S]) Run(ctx context.Context) error {
	c, name := s.Config, s.Participant.Service
	log, lines := telemetry.NewLogger(os.Stdout, name, c.LogLevel)
	defer func() { _ = lines.Flush() }()
	db, err := open(ctx, c, name, s.Migrations, log)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil //nolint:nilerror // it was asked to stop, and had nothing to stop yet
	case err != nil:
		return err
	}
	defer func() {
		if err := db.Close(); err != nil {
			log.Error("close database", "error", err)
		}
	}()
	contract, err := registry.Load(s.Contract)
	if err != nil {
		return fmt.Errorf("load schemas: %w", err)
	}
	codec := registry.NewCodec(contract, registry.NewClient(c.Registry, 3*time.Second), name)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "quintet_store_statements_total", Help: "Statements that the database was asked to run."},
			func() float64 { return float64(db.Asked().Statements.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "quintet_store_round_trips_total", Help: "Round trips to the database; in SQLite, groups of statements."},
			func() float64 { return float64(db.Asked().Trips.Load()) }))
	changes := newChanges()
	var changed func([]string)
	if s.Watched {
		changed = changes.notify
	}
	engine, err := engine.New(engine.Config[S]{
		Participant: s.Participant, Store: s.Store, DB: db, Codec: codec, CallHandlers: s.CallHandlers,
		OpenProducer: func() (engine.Producer, error) { return kafka.Open(c.kafka(name)) },
		Log:          log, Metrics: engine.NewMetrics(metrics), Changed: changed,
		Instance: c.Instance, OutboxBound: c.OutboxBound, Park: engine.ParkPolicy{Delay: c.ParkDelay, Attempts: c.ParkTries},
	})
	if err != nil {
		return err
	}
	r := &running{log: log, registry: "schemas are not registered yet"}
	r.consumer = kafka.NewConsumer(c.kafka(name), engine, s.Participant.Topics(), []string{flow.Topic(name), record.DeadLetterTopic(name)}, log)

	api, err := newAPI(log, s.OpenAPI, db.Read(), engine.Submit, changes)
	if err != nil {
		return err
	}
	left := newPending(engine.Pending, r.consumer.Lag)
	metrics.MustRegister(left)
	web.Operational(api.Echo, func() []string { return append(r.missing(), engine.Missing()...) }, left.answer,
		promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	s.Routes(api)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	if c.ProfileAddr != "" {
		if err := profile(ctx, c.ProfileAddr, log); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	log.Info("started", "version", version, "http", c.HTTPAddr, "instance", c.Instance)
	err = r.run(ctx, codec, c.StopTime/2, engine.Run, func(ctx context.Context) error { return web.Serve(ctx, listener, api.Echo) })
	log.Info("stopped")
	return err
}

// open opens the database. It retries for ever while a PostgreSQL database is out of
// reach: the processes of a system may start in any order.
func open(ctx context.Context, c Config, name string, own fs.FS, log *slog.Logger) (*store.DB, error) {
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval = 50*time.Millisecond, time.Second
	for told := false; ; {
		db, err := openOnce(ctx, c, name, own)
		if err == nil || c.Database == "" || !store.Transient(err) || ctx.Err() != nil {
			return db, err
		}
		if !told {
			log.Warn("waiting for the database", "error", err)
			told = true
		}
		select {
		case <-time.After(delay.NextBackOff()):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func openOnce(ctx context.Context, c Config, name string, own fs.FS) (*store.DB, error) {
	db, err := store.Open(ctx, cmp.Or(c.Database, filepath.Join(c.DataDir, name+".db")))
	if err != nil {
		return nil, err
	}
	if err := engine.Migrate(ctx, db, name, own); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
