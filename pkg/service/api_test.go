package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/engine"
)

const bellAPI = `
openapi: 3.0.3
info: {title: bells, version: "1"}
paths:
  /bells/{id}/ring:
    post:
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: Idempotency-Key, in: header, schema: {type: string, pattern: '^[!-~]{1,128}$'}}
        - {name: X-Tenant-ID, in: header, schema: {type: string, pattern: '^[A-Za-z0-9._-]{1,64}$', default: default}}
        - {name: traceparent, in: header, schema: {type: string}}
      responses: {"202": {description: rung}}
`

type ring struct{}

// ringing is an API with one command, and what it submits.
func ringing(t *testing.T, answer func() (json.RawMessage, error)) (*API, *engine.Command) {
	t.Helper()
	var got engine.Command
	a, err := NewAPI(slog.New(slog.DiscardHandler), []byte(bellAPI), nil, func(_ context.Context, c engine.Command) (json.RawMessage, error) {
		got = c
		return answer()
	})
	if err != nil {
		t.Fatal(err)
	}
	a.POST("/bells/:id/ring", func(c echo.Context) error {
		reply, err := a.Command(c, Ask{Key: c.Param("id"), Body: ring{}, Digest: "d", Operation: "ring", Of: c.Param("id"), Again: "Listen first."})
		if err != nil {
			return err
		}
		return c.JSONBlob(http.StatusAccepted, reply)
	})
	return a, &got
}

func post(a *API, headers ...string) (int, string) {
	req := httptest.NewRequest(http.MethodPost, "/bells/b/ring", nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, req)
	text, _ := io.ReadAll(w.Body) // of a recorder
	return w.Code, string(text)
}

func TestARequestBecomesACommand(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	a, got := ringing(t, func() (json.RawMessage, error) { return json.RawMessage(`"dong"`), nil })
	plain := engine.Command{Key: "b", Body: ring{}, Digest: "d", Tenant: "default"}
	with := func(change func(*engine.Command)) engine.Command {
		c := plain
		change(&c)
		return c
	}
	for name, tt := range map[string]struct {
		headers []string
		want    engine.Command
	}{
		"nothing":          {nil, plain},
		"a key":            {[]string{"Idempotency-Key", "k/1"}, with(func(c *engine.Command) { c.IdempotencyKey = "ring/default/b/k/1" })},
		"a tenant's key":   {[]string{"Idempotency-Key", "k", "X-Tenant-ID", "acme"}, with(func(c *engine.Command) { c.IdempotencyKey, c.Tenant = "ring/acme/b/k", "acme" })},
		"a trace":          {[]string{"traceparent", trace}, with(func(c *engine.Command) { c.Traceparent = trace })},
		"a trace of zeros": {[]string{"traceparent", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01"}, plain},
		"no trace":         {[]string{"traceparent", "nonsense"}, plain},
		"two traces":       {[]string{"traceparent", trace, "traceparent", trace}, plain},
	} {
		if status, text := post(a, tt.headers...); status != http.StatusAccepted || text != `"dong"` {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if diff := cmp.Diff(tt.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, headers := range map[string][]string{
		"Idempotency-Key": {"Idempotency-Key", "k k"}, "X-Tenant-ID": {"X-Tenant-ID", "a/b"}, "is there twice": {"Idempotency-Key", "a", "Idempotency-Key", "b"},
	} {
		if status, text := post(a, headers...); status != http.StatusBadRequest || !strings.Contains(text, name) {
			t.Errorf("%v: %d %s, want 400 with %s", headers, status, text, name)
		}
	}
}

func TestACommandThatFailedIsAnsweredByWhy(t *testing.T) {
	own := errors.New("the bell is cracked")
	for _, tt := range []struct {
		err     error
		headers []string
		status  int
		says    string
	}{
		{engine.ErrKeyReused, []string{"Idempotency-Key", "k"}, http.StatusUnprocessableEntity, "used for another request"},
		{engine.ErrUnavailable, nil, http.StatusServiceUnavailable, "Nothing has happened"},
		{engine.ErrOutcomeUnknown, nil, http.StatusServiceUnavailable, "Listen first."},
		{engine.ErrOutcomeUnknown, []string{"Idempotency-Key", "k"}, http.StatusServiceUnavailable, "same Idempotency-Key"},
		{own, nil, http.StatusInternalServerError, "has been logged"}, // which the service would have answered itself
	} {
		a, _ := ringing(t, func() (json.RawMessage, error) { return nil, tt.err })
		if status, text := post(a, tt.headers...); status != tt.status || !strings.Contains(text, tt.says) {
			t.Errorf("%v: %d %s, want %d with %q", tt.err, status, text, tt.status, tt.says)
		}
	}
}
