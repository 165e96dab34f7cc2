// Command registry is the embedded stack's schema registry. It reads PORT_BASE,
// DATA_DIR and COMPATIBILITY.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"

	"github.com/quintet-eda/quintet/deploy/local/registry"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("service", "registry")
	if err := run(log); err != nil {
		log.Error(err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := env.ParseAs[registry.Config]()
	if err != nil {
		return err
	}
	return registry.Run(ctx, cfg, log)
}
