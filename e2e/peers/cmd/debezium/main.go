// Command debezium publishes the outboxes of the given databases. SIGINT and SIGTERM end
// it.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/quintet-eda/quintet/e2e/peers/debezium"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: KAFKA_BROKERS=<host:port> debezium <directory of its own> <host:port of its REST API> <database URL>...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "debezium:", err)
		os.Exit(1)
	}
}

func run(dir, rest string, databases []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w := debezium.Worker{
		Jars: filepath.Join(filepath.Dir(self), "connect"), Dir: dir,
		Brokers: os.Getenv("KAFKA_BROKERS"), REST: rest, Databases: databases,
	}
	if _, err := os.Stat(w.Jars); err != nil {
		return fmt.Errorf("the jars of Kafka Connect are fetched by `make peers`, which needs Maven: %w", err)
	}
	c, err := w.Command()
	if err != nil {
		return err
	}
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM)
	if err := c.Start(); err != nil {
		return fmt.Errorf("start Kafka Connect: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		return fmt.Errorf("run Kafka Connect: it ended by itself: %w", err)
	case <-asked:
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	var status interface{ ExitCode() int }
	if err := <-ended; err != nil && !errors.As(err, &status) {
		return err // a Java that is asked to end says so by its exit code
	}
	return nil
}
