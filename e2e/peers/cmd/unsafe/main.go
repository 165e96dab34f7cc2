// Command unsafe runs one service by unsafe dual writes, configured by its environment.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/quintet-eda/quintet/e2e/peers/dualwrite"
	"github.com/quintet-eda/quintet/e2e/peers/peer"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: unsafe <service>")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := peer.Run(ctx, os.Args[1], dualwrite.Open)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "unsafe:", err)
		os.Exit(1)
	}
}
