// Command broker is the embedded stack's Kafka broker. It reads PORT_BASE, DATA_DIR and
// SYNC_WRITES.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"

	"github.com/quintet-eda/quintet/deploy/local/broker"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("service", "broker")
	if err := run(log); err != nil {
		log.Error(err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := env.ParseAs[broker.Config]()
	if err != nil {
		return err
	}
	return broker.Run(ctx, cfg, log)
}
