// Package gateway is the published door of the composed system: one port for each
// service and all its instances. Scaled services cannot publish a port each, so they
// publish none.
//
// It balances and passes on, and does nothing else: it authenticates no client, limits
// nothing and knows no path. A real deployment has a gateway of its own here, which
// does.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is the configuration from the environment.
type Config struct {
	Services   []string `env:"SERVICES" envDefault:"order:8001,inventory:8002,payment:8003,shipping:8004,email:8005"` // host:port; the door has the same port
	Host       string   `env:"LISTEN_HOST"`                                                                           // default: all interfaces
	HealthPort string   `env:"HEALTH_PORT" envDefault:"8000"`                                                         // GET /healthz: the gateway's own
}

// ConfigFromEnv reads Config.
func ConfigFromEnv() (Config, error) { return env.ParseAs[Config]() }

// A client gets this long to send a request's header and to stay connected without a
// request. The service decides how long an answer takes, so that streams pass.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
	drainTimeout  = 5 * time.Second
)

// Run is the process: it serves until ctx is done. Then it waits up to 5 s for the
// requests in flight, and cuts the rest off. Streams end that way.
func Run(ctx context.Context, c Config) error {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("service", "gateway")
	doors := map[string]http.Handler{c.HealthPort: http.HandlerFunc(healthz)}
	for _, service := range c.Services {
		host, port, err := net.SplitHostPort(service)
		if err != nil {
			return fmt.Errorf("SERVICES: %w", err)
		}
		if doors[port] != nil {
			return fmt.Errorf("SERVICES: port %s is there twice", port)
		}
		doors[port] = Proxy(host, port, net.DefaultResolver.LookupHost, log)
	}
	broken := make(chan error, len(doors))
	var servers []*http.Server
	for port, door := range doors {
		s := &http.Server{
			Addr: net.JoinHostPort(c.Host, port), Handler: door, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		}
		servers = append(servers, s)
		go func() { broken <- s.ListenAndServe() }()
	}
	log.Info("started", "services", c.Services)
	var err error
	select {
	case <-ctx.Done():
	case err = <-broken:
		err = fmt.Errorf("serve: %w", err)
	}
	stop(servers)
	log.Info("stopped")
	return err
}

// stop drains all servers at once, within drainTimeout.
func stop(servers []*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	done := make(chan struct{}, len(servers))
	for _, s := range servers {
		go func() {
			if err := s.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
				_ = s.Close() // a request that is cut off now had its time
			}
			done <- struct{}{}
		}()
	}
	for range servers {
		<-done
	}
}

func healthz(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/healthz" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
