package service

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// profile serves net/http/pprof at an address of its own until ctx ends. A client that
// reaches it can read the memory, and slow the service down. So pprof is not among the
// service's own routes.
func profile(ctx context.Context, address string, log *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for profiles: %w", err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /debug/pprof/", pprof.Index)
	routes.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	routes.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() }) // a profile in progress is of no use any more
	go func() {
		if err := server.Serve(listener); ctx.Err() == nil {
			log.Error("serve profiles", "error", err)
		}
	}()
	log.Warn("profiles can be read", "address", listener.Addr().String())
	return nil
}
