package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// A client gets headerTimeout to send a request's header, and readTimeout to send all of
// it. It gets writeTimeout to read the answer, from the moment the request was read. It
// may stay connected without a request for idleTimeout. A handler that waits must answer
// before writeTimeout; [Stream] renews it with every write.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
	drainTimeout  = 5 * time.Second
)

type stoppingKey struct{}

// Serve answers requests that arrive at l until ctx ends. Then it closes [Stopping],
// accepts no more connections, and lets the requests in flight finish for up to 5
// seconds. After that it cuts them off, and its error reports it. A clean end returns
// nil. Serve closes l.
func Serve(ctx context.Context, l net.Listener, e *echo.Echo) error {
	// Requests do not inherit ctx: its end would cancel them at once, and
	// draining means to let them finish.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stopping := make(chan struct{})
	srv := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(base, stoppingKey{}, stopping) },
	}
	unused := unusedConns{open: map[net.Conn]bool{}}
	srv.ConnState = unused.note
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve http on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	close(stopping)
	unused.close()
	drain, stop := context.WithTimeout(base, drainTimeout)
	defer stop()
	err := srv.Shutdown(drain)
	if err != nil {
		err = fmt.Errorf("drain http on %s: %w", l.Addr(), errors.Join(err, srv.Close()))
	}
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// unusedConns are the connections on which clients have sent nothing. The server's
// shutdown would wait for them until they are five seconds old. Draining has no more
// time than that.
type unusedConns struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (u *unusedConns) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.open[c] = true
	} else {
		delete(u.open, c)
	}
}

func (u *unusedConns) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.open {
		_ = c.Close() // the close itself notifies the client
	}
}

// Stopping returns a channel that closes when the server begins to drain, so that a
// waiting handler can answer with its last result. Outside of [Serve] the channel is
// nil, and never ready.
func Stopping(ctx context.Context) <-chan struct{} {
	stopping, _ := ctx.Value(stoppingKey{}).(chan struct{})
	return stopping
}
