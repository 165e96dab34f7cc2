package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	heartbeat    = 15 * time.Second // below the idle cut-off of common proxies
	streamWrite  = 10 * time.Second // a client that reads nothing for so long is cut off
	streamRetry  = 2 * time.Second  // when a client comes back after the stream broke
	lastEventID  = "Last-Event-ID"
	maxEventID   = 128 // bytes
	brokenInLine = "\r\n\x00"
)

// Event is one server-sent event.
type Event struct {
	ID   string // a client that lost the connection resumes after it
	Type string // empty for a plain message
	Data any    // sent as JSON
}

// Next returns the events that follow the one with the given id, all of them
// when the id is empty. Without a new event it waits, until ctx ends at the latest,
// and then returns none. last reports that no event will ever follow.
type Next func(ctx context.Context, after string) (events []Event, last bool, err error)

// Stream answers with server-sent events until next reports the last, the client
// leaves, or the server stops. It starts behind the client's Last-Event-ID and sends a
// comment whenever 15 seconds passed without an event.
//
// Stream sends the status 200 at once: a handler makes its own checks before. An
// EventSource reconnects after any end. A handler that has nothing more to send
// answers 204, and the EventSource stops.
func Stream(c echo.Context, next Next) error { return stream(c, heartbeat, next) }

func stream(c echo.Context, heartbeat time.Duration, next Next) error {
	after := c.Request().Header.Get(lastEventID)
	if len(after) > maxEventID {
		return BadRequest(fmt.Sprintf("%s exceeds %d bytes.", lastEventID, maxEventID))
	}
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	stopping := Stopping(ctx)
	go func() { // ends with this call, by cancel
		select {
		case <-stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would hold events back
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil // a HEAD needs no events, so it does not wait
	}
	if err := send(c, fmt.Sprintf("retry: %d\n\n", streamRetry.Milliseconds())); err != nil {
		return nil
	}
	for {
		events, last, err := await(ctx, heartbeat, after, next)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("stream after event %q: %w", after, err)
		}
		text, err := format(events)
		if err != nil {
			return fmt.Errorf("stream after event %q: %w", after, err)
		}
		if len(events) > 0 {
			after = events[len(events)-1].ID
		}
		if err := send(c, text); err != nil || last || ctx.Err() != nil {
			return nil // a client that cannot be written to has left
		}
	}
}

// await calls next with one heartbeat's time.
func await(ctx context.Context, heartbeat time.Duration, after string, next Next) ([]Event, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	events, last, err := next(ctx, after)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		err = nil // nothing in this time
	}
	return events, last, err
}

// format writes the events as text, or a comment when there are none.
func format(events []Event) (string, error) {
	if len(events) == 0 {
		return ":\n\n", nil
	}
	var b strings.Builder
	for _, e := range events {
		if e.ID == "" || len(e.ID) > maxEventID || strings.ContainsAny(e.ID+e.Type, brokenInLine) {
			return "", fmt.Errorf("event %q of type %q cannot be spelled", e.ID, e.Type)
		}
		data, err := json.Marshal(e.Data) // one line, always
		if err != nil {
			return "", fmt.Errorf("spell event %q: %w", e.ID, err)
		}
		fmt.Fprintf(&b, "id: %s\n", e.ID)
		if e.Type != "" {
			fmt.Fprintf(&b, "event: %s\n", e.Type)
		}
		fmt.Fprintf(&b, "data: %s\n\n", data)
	}
	return b.String(), nil
}

func send(c echo.Context, text string) error {
	control := http.NewResponseController(c.Response())
	// A writer that knows no deadline, as a recorder in a test, has none to renew.
	_ = control.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return control.Flush()
}
