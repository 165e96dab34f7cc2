// Command flow prints one order's history, from the topics alone: which event
// followed from which, and how long each step took.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"

	"github.com/quintet-eda/quintet/e2e"
)

// bound is how long reading all topics may take.
const bound = 60 * time.Second

func main() {
	var args struct {
		Order        string `arg:"" help:"The order's id."`
		PortBase     int    `help:"Where the system is; all ports follow from it." env:"PORT_BASE" default:"8000"`
		ShowPersonal bool   `help:"Show personal and payment data, which are masked otherwise."`
	}
	kong.Parse(&args, kong.Name("flow"), kong.Description("Prints one order's history from the topics."), kong.UsageOnError())
	if err := run(args.Order, args.PortBase, args.ShowPersonal); err != nil {
		fmt.Fprintln(os.Stderr, "flow:", err)
		os.Exit(1)
	}
}

func run(order string, portBase int, personal bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	target, err := e2e.Find(ctx, portBase)
	if err != nil {
		return err
	}
	topics, err := e2e.OpenTopics(target)
	if err != nil {
		return fmt.Errorf("is the system running at PORT_BASE=%d? %w", portBase, err)
	}
	topics.ShowPersonal = personal
	facts, err := topics.History(ctx, order)
	if errors.Is(err, e2e.ErrNoHistory) {
		return err
	}
	if err != nil {
		return fmt.Errorf("is the system running at PORT_BASE=%d? %w", portBase, err)
	}
	return e2e.Print(os.Stdout, facts)
}
