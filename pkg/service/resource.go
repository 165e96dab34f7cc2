package service

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
)

// Resource is a participant's states as clients see them, each by its key.
type Resource[S any] struct {
	Table  store.Table[S] // the first column is the key
	Nobody string         // a sentence: the answer when no such state exists
	View   func(S) any    // the form that a client sees
	// Ended reports whether a state no longer changes. Steps returns the steps of a
	// state, oldest first. They are for a resource that clients can wait for.
	Ended func(S) bool
	Steps func(S) []any
}

// find reads a state as it was last committed.
func (r Resource[S]) find(ctx context.Context, db *store.Reader, key string) (S, error) {
	s, err := r.Table.Find(ctx, db, r.Table.Columns[0]+` = ?`, key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s, web.NotFound(r.Nobody)
	case err != nil:
		return s, Unreadable(err)
	}
	return s, nil
}

// Unreadable returns the answer to a read that failed.
func Unreadable(err error) error {
	return web.Unavailable("What was asked for cannot be read at the moment. Try again.", retryAfter).Because(err)
}

// Get returns a handler. It answers with the state whose key is the path's only
// parameter. If the document has the parameter wait, a duration, the handler waits that
// long for the state to end.
func (r Resource[S]) Get(a *API) echo.HandlerFunc {
	return web.ByID(r.Nobody, func(c echo.Context) error {
		wait, err := waitOf(web.ParamsOf(c)["wait"])
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		if wait > 0 {
			// The server's own limit would cut off the longest wait that is
			// allowed. A writer without deadlines, as in tests, has no limit.
			_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(wait + answerTime))
		}
		waiting, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		go func() { // ends with this request, by cancel
			select {
			case <-web.Stopping(ctx):
				cancel()
			case <-waiting.Done():
			}
		}()
		s, err := r.until(ctx, waiting, a, c.ParamValues()[0], func(s S) bool { return wait == 0 || r.Ended(s) })
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, r.View(s))
	})
}

const (
	// maxWait is how long a request may wait.
	maxWait = 30 * time.Second
	// answerTime is the extra time for the answer to a request that has waited.
	answerTime = 5 * time.Second
	// readAgain is how often a waiting request reads without a notification: another
	// instance may have made the commit.
	readAgain = time.Second
)

func waitOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 || wait > maxWait {
		return 0, web.BadParameters(web.FieldError{Field: "wait", Message: fmt.Sprintf("must be a duration such as 5s, from 0s to %s", maxWait)})
	}
	return wait, nil
}

// until reads a state until asked accepts it. When waiting ends, it returns the state
// as last read. ctx bounds the reads, and each read ends before the next wait begins.
func (r Resource[S]) until(ctx, waiting context.Context, a *API, key string, asked func(S) bool) (S, error) {
	changed, leave := a.changes.subscribe(key)
	defer leave()
	again := time.NewTicker(readAgain)
	defer again.Stop()
	for {
		s, err := r.find(ctx, a.DB, key)
		if err != nil || asked(s) {
			return s, err
		}
		select {
		case <-changed:
		case <-again.C:
		case <-waiting.Done():
			return s, nil
		}
	}
}

// Follow returns a handler. It streams the steps of the state whose key is the path's
// only parameter, until the state has ended. The stream begins with the first step, or
// where the client's connection broke.
func (r Resource[S]) Follow(a *API) echo.HandlerFunc {
	return web.ByID(r.Nobody, func(c echo.Context) error {
		ctx, key := c.Request().Context(), c.ParamValues()[0]
		from, err := stepOf(c.Request().Header.Get("Last-Event-ID"))
		if err != nil {
			return err
		}
		s, err := r.find(ctx, a.DB, key)
		if err != nil {
			return err
		}
		switch n := len(r.Steps(s)); {
		case r.Ended(s) && from >= n:
			return c.NoContent(http.StatusNoContent) // keeps an EventSource from coming back
		case from > n:
			return notOfStream()
		}
		return web.Stream(c, func(waiting context.Context, after string) ([]web.Event, bool, error) {
			seen, err := stepOf(after)
			if err != nil {
				return nil, false, err
			}
			s, err := r.until(ctx, waiting, a, key, func(s S) bool { return r.Ended(s) || len(r.Steps(s)) > seen })
			if err != nil {
				return nil, false, err
			}
			var events []web.Event
			for i, step := range r.Steps(s) {
				if i >= seen {
					events = append(events, web.Event{ID: strconv.Itoa(i + 1), Data: step})
				}
			}
			return events, r.Ended(s), nil
		})
	})
}

// stepOf reads the id of a step, which is its place counted from 1.
func stepOf(id string) (int, error) {
	if id == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(id)
	if err != nil || n < 0 {
		return 0, notOfStream()
	}
	return n, nil
}

func notOfStream() error {
	return web.BadParameters(web.FieldError{Field: "Last-Event-ID", Message: "is not an event of this stream"})
}
