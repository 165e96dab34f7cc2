package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/telemetry"
	"github.com/quintet-eda/quintet/pkg/web"
)

// API serves a service's document and its commands. The service adds its routes to it.
type API struct {
	*echo.Echo
	Spec *web.Spec
	DB   *store.Reader

	submit  Submit
	changes *changes
}

// Submit submits a command to the participant's runtime, and waits for its commit. It
// is [engine.Engine.Submit], unless the service runs over something else.
type Submit func(context.Context, engine.Command) (json.RawMessage, error)

// NewAPI makes an API that serves an OpenAPI document and enforces it.
func NewAPI(log *slog.Logger, openapi []byte, db *store.Reader, submit Submit) (*API, error) {
	return newAPI(log, openapi, db, submit, newChanges())
}

func newAPI(log *slog.Logger, openapi []byte, db *store.Reader, submit Submit, changes *changes) (*API, error) {
	spec, err := web.LoadSpec(openapi)
	if err != nil {
		return nil, fmt.Errorf("the service's own document: %w", err)
	}
	a := &API{Echo: web.New(log), Spec: spec, DB: db, submit: submit, changes: changes}
	spec.Serve(a.Echo)
	return a, nil
}

// Changed notifies the requests that wait for the state of one of keys: it may have
// changed. nil stands for every key. Changed never waits.
func (a *API) Changed(keys []string) { a.changes.notify(keys) }

// Ask is a request that becomes a command.
type Ask struct {
	Key    string // of the state that it is about
	Body   any    // a type that the participant's table names
	Digest string // equal for requests that ask for the same
	// Operation, the tenant, and Of if it is not empty are the scope in which an
	// Idempotency-Key is unique. Neither Operation nor Of holds a slash.
	Operation, Of string
	// Again is a sentence. It advises a caller without an Idempotency-Key for whom the
	// outcome is unknown.
	Again string
}

// retryAfter is when a client should try again: a commit later, or after a short
// outage.
const retryAfter = time.Second

// Command submits a command for a request. It passes on the X-Tenant-ID, the
// Idempotency-Key and the traceparent, as far as the document describes them. It
// returns the reaction's reply. An error that is no problem is the reaction's own
// refusal.
func (a *API) Command(c echo.Context, ask Ask) (json.RawMessage, error) {
	p := web.ParamsOf(c)
	command := engine.Command{
		Key: ask.Key, Body: ask.Body, Digest: ask.Digest, Tenant: p["X-Tenant-ID"], Traceparent: telemetry.Traceparent(p["traceparent"]),
	}
	again := ask.Again
	if key := p["Idempotency-Key"]; key != "" {
		scope := ask.Operation + "/" + command.Tenant + "/"
		if ask.Of != "" {
			scope += ask.Of + "/"
		}
		command.IdempotencyKey = scope + key
		again = "Repeat the request with the same Idempotency-Key: it happens once."
	}
	reply, err := a.submit(c.Request().Context(), command)
	switch {
	case errors.Is(err, engine.ErrKeyReused):
		return nil, web.Invalid("The Idempotency-Key was used for another request.", web.FieldError{Field: "Idempotency-Key", Message: "was used with another body"})
	case errors.Is(err, engine.ErrUnavailable):
		return nil, web.Unavailable("The service takes no commands at the moment. Nothing has happened; try again.", retryAfter)
	case errors.Is(err, engine.ErrOutcomeUnknown):
		return nil, web.Unavailable(strings.TrimSpace("Whether it has happened is not known yet. "+again), retryAfter)
	}
	return reply, err
}
