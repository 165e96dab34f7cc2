// Command naive runs one service over the naive loop, configured by its environment.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/quintet-eda/quintet/e2e/peers/naive"
	"github.com/quintet-eda/quintet/e2e/peers/peer"
)

func main() {
	logged := flag.Bool("logged", false, "leave the outbox to Debezium")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: naive [--logged] <service>")
		os.Exit(2)
	}
	open := naive.Open
	if *logged {
		open = naive.OpenLogged
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := peer.Run(ctx, flag.Arg(0), open)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}
