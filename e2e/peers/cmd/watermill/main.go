// Command watermill runs one service over Watermill, configured by its environment.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/quintet-eda/quintet/e2e/peers/peer"
	"github.com/quintet-eda/quintet/e2e/peers/watermill"
)

func main() {
	tuned := flag.Bool("tuned", false, "with the knobs of the README")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: watermill [--tuned] <service>")
		os.Exit(2)
	}
	knobs := watermill.Documented
	if *tuned {
		knobs = watermill.Tuned
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := peer.Run(ctx, flag.Arg(0), knobs.Open)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "watermill:", err)
		os.Exit(1)
	}
}
