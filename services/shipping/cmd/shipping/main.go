// Command shipping runs the shipping service, configured by its environment.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/quintet-eda/quintet/services/shipping"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "shipping:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	config, err := shipping.ConfigFromEnv()
	if err != nil {
		return err
	}
	return shipping.Run(ctx, config)
}
