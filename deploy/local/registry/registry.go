// Package registry is the embedded stack's schema registry. It serves the Confluent
// Schema Registry API for Avro, with real compatibility rules and ids that survive a
// restart.
//
// It answers with Confluent's paths, bodies and error codes, so that srclient and
// Confluent's own clients work against it unchanged. It answers the rest with an error:
// Protobuf, JSON Schema, references, rule sets, metadata, and modes other than
// READWRITE.
//
// A registration that was answered survives kill -9 and a power cut. Each change is one
// line of a file, synced before the answer.
package registry

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"github.com/quintet-eda/quintet/schemas/compat"
)

// Config is the configuration of the registry from the environment.
type Config struct {
	PortBase      int    `env:"PORT_BASE" envDefault:"8000"` // the registry listens on 127.0.0.1, port base + 81
	DataDir       string `env:"DATA_DIR,required,notEmpty"`
	Compatibility string `env:"COMPATIBILITY" envDefault:"FULL_TRANSITIVE"` // the level of subjects that have none of their own
}

// Run serves until ctx ends. It returns an error when the level is unknown, the port is
// taken or the file cannot be read.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	level, err := compat.ParseLevel(cfg.Compatibility)
	if err != nil {
		return fmt.Errorf("read COMPATIBILITY: %w", err)
	}
	store, err := Open(filepath.Join(cfg.DataDir, "schemas.jsonl"), level)
	if err != nil {
		return err
	}
	defer store.Close()

	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.PortBase+81))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	server := &http.Server{
		Handler:           Handler(store, log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve registry: %w", err)
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(bounded) != nil { // a client keeps its request open
		_ = server.Close()
	}
	return nil
}
