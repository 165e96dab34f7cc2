// Package telemetry holds the logger of a service, and the check of the trace contexts
// that cross its boundaries.
package telemetry

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// NewLogger makes a JSON logger. It gathers lines for a few milliseconds and writes
// them together, since a busy service writes one per handled input. It writes a line
// of a warning or an error at once, with all lines before it.
func NewLogger(w io.Writer, service string, level slog.Level) (*slog.Logger, *Lines) {
	l := &Lines{to: w, buf: bufio.NewWriterSize(w, 64<<10)}
	h := slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level})
	return slog.New(&handler{Handler: h, lines: l}).With("service", service), l
}

// gatherFor is how long a line may wait to be written.
const gatherFor = 20 * time.Millisecond

// Lines gathers a logger's lines, and writes them.
type Lines struct {
	mu      sync.Mutex
	to      io.Writer
	buf     *bufio.Writer
	pending bool
}

// Write implements io.Writer for one line.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.pending {
		l.pending = true
		time.AfterFunc(gatherFor, func() { _ = l.Flush() }) // nowhere to report a log that cannot be written
	}
	return l.buf.Write(line)
}

// Flush writes the gathered lines.
func (l *Lines) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = false
	err := l.buf.Flush()
	if err != nil {
		l.buf.Reset(l.to) // or it would keep its error, and lose every line from here on
	}
	return err
}

type handler struct {
	slog.Handler
	lines *Lines
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		err = errors.Join(err, h.lines.Flush())
	}
	return err
}

func (h *handler) WithAttrs(as []slog.Attr) slog.Handler {
	return &handler{Handler: h.Handler.WithAttrs(as), lines: h.lines}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{Handler: h.Handler.WithGroup(name), lines: h.lines}
}
