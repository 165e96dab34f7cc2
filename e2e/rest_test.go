package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakes are five services. Each answers its n-th request of /pending, counted from 0,
// with the result of rounds.
func fakes(t *testing.T, rounds func(service string, n int64) Pending) *Client {
	t.Helper()
	serve := func(name string) string {
		var asked atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(rounds(name, asked.Add(1)-1)) // fails when the test has gone
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	return NewClient(Target{Order: serve("order"), Inventory: serve("inventory"), Payment: serve("payment"), Shipping: serve("shipping"), Email: serve("email")})
}

func TestRestIsTwoQuietRoundsInARow(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var rounds atomic.Int64
	c := fakes(t, func(service string, n int64) Pending {
		if service != "email" {
			return Pending{Handled: 3}
		}
		rounds.Store(n + 1)
		switch n {
		case 1: // quiet, but it has handled an input since round 0
			return Pending{Handled: 4}
		case 2:
			return Pending{Handled: 4, Effects: 1}
		case 0:
			return Pending{Handled: 3}
		}
		return Pending{Handled: 5}
	})
	if err := c.Quiesce(ctx); err != nil {
		t.Fatal(err)
	}
	if n := rounds.Load(); n != 5 {
		t.Errorf("took %d rounds for rest, want 5: 3 and 4 are the first two in a row that are quiet and equal", n)
	}
}

func TestWhoeverWaitsInVainForRestIsToldWhatIsLeft(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	c := fakes(t, func(service string, _ int64) Pending {
		if service == "payment" {
			return Pending{Effects: 2, Parked: 1}
		}
		return Pending{}
	})
	err := c.Quiesce(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "payment: effects 2, parked 1") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsUnknownIsNotAtRest(t *testing.T) {
	const known = `"queued":0,"outbox":0,"effects":0,"timers":0,"parked":0,"handled":3`
	for answer, want := range map[string]string{
		`{"lag":0,` + known + `}`:                                  "",
		`{"lag":null,` + known + `,"unknown":{"lag":"no broker"}}`: "order: lag unknown (no broker)",
		`{"lag":null,` + known + `}`:                               "order: lag unknown (it does not say)",
		`{` + known + `}`:                                          "order: lag unknown (it does not say)",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		c := NewClient(Target{Order: s.URL})
		p, err := c.pending(t.Context(), "order")
		if got := busy("order", p); err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", answer, got, err, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if err := c.idle(ctx, "order"); (err == nil) != (want == "") {
			t.Errorf("%s: waiting for it to be idle ends with %v", answer, err)
		}
		cancel()
		c.Close()
		s.Close()
	}
}
