package payment

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/remote"
)

var (
	aCharge = Charge{PaymentID: "p/1", OrderID: "o-1", Amount: 1200, Currency: "EUR", Token: "tok_secret"}
	aVoid   = Void{PaymentID: "p/1", OrderID: "o-1"}
	aRefund = Refund{PaymentID: "p/1", OrderID: "o-1", Amount: 1200}
	aCall   = flow.Call{ID: "call-1", Key: "o-1", Attempt: 1}
)

// at is the provider behind a handler.
func at(t *testing.T, h http.HandlerFunc) provider {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return provider{remote.New("provider", s.URL+"/")} // as people write it
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body) // a caller that left is part of some tests
	}
}

// what an attempt is to the kit.
const (
	answered = "answered"
	notDone  = "had no effect"
	unknown  = "unknown"
)

func attempt(err error) string {
	switch {
	case err == nil:
		return answered
	case errors.Is(err, flow.ErrNoEffect):
		return notDone
	}
	return unknown
}

func TestAnswersOfTheProviderToACharge(t *testing.T) {
	for _, c := range []struct {
		name string
		code int
		body string
		want string
		then Outcome
	}{
		{"captured", 200, `{"status":"captured"}`, answered, Approved},
		{"captured and more to say", 200, `{"status":"captured","fee":3}`, answered, Approved},
		{"declined", 402, `{"status":"declined"}`, answered, Declined},
		{"voided before", 409, `{"status":"voided"}`, answered, GivenUp},
		{"provider says it did nothing", 503, `{"status":"unavailable"}`, notDone, ""},
		{"provider is asked too often", 429, `{"status":"unavailable"}`, notDone, ""},
		{"somebody else says unavailable", 503, `<h1>no healthy upstream</h1>`, unknown, ""},
		{"somebody else says too often", 429, ``, unknown, ""},
		{"error", 500, `{"status":"unavailable"}`, unknown, ""},
		{"bad gateway", 502, `{"status":"unavailable"}`, unknown, ""},
		{"gateway timeout", 504, `{"status":"unavailable"}`, unknown, ""},
		{"malformed request", 400, `{"title":"Bad Request"}`, notDone, ""},
		{"no access", 401, ``, notDone, ""},
		{"forbidden", 403, ``, notDone, ""},
		{"wrong address", 404, ``, notDone, ""},
		{"key in use", 409, `{"title":"in progress"}`, unknown, ""},
		{"key used for another charge", 422, `{"title":"key reused"}`, unknown, ""},
		{"request timeout", 408, ``, unknown, ""},
		{"declined by a proxy that wants to be paid", 402, `pay`, unknown, ""},
		{"refunded is no answer to a charge", 200, `{"status":"refunded"}`, unknown, ""},
		{"captured with the wrong code", 202, `{"status":"captured"}`, unknown, ""},
		{"no content", 204, ``, unknown, ""},
		{"not JSON", 200, `captured`, unknown, ""},
		{"half JSON", 200, `{"status":"captured"`, unknown, ""},
		{"two answers", 200, `{"status":"captured"}{"status":"declined"}`, unknown, ""},
		{"changes its mind", 200, `{"status":"captured","status":5}`, unknown, ""},
		{"never ends", 200, `{"status":"captured"}` + strings.Repeat(" ", 1<<20), unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := at(t, says(c.code, c.body)).charge(t.Context(), aCall, aCharge)
			if attempt(err) != c.want || got.Outcome != c.then {
				t.Errorf("got %q, attempt %s (%v), want %q, attempt %s", got.Outcome, attempt(err), err, c.then, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "tok_secret") || len(err.Error()) > 300) {
				t.Errorf("error shows the token or is too long: %v", err)
			}
		})
	}
}

func TestVoidAndRefundNeedProviderConfirmation(t *testing.T) {
	for _, c := range []struct {
		name         string
		code         int
		body         string
		void, refund string
	}{
		{"voided", 200, `{"status":"voided"}`, answered, unknown},
		{"refunded", 200, `{"status":"refunded"}`, answered, answered}, // a void finds the money given back
		{"captured", 200, `{"status":"captured"}`, unknown, unknown},
		{"nothing was captured", 409, `{"status":"unknown"}`, unknown, unknown},
		{"payment was voided", 409, `{"status":"voided"}`, unknown, unknown},
		{"wrong address", 404, ``, notDone, notDone},
		{"unavailable", 503, `{"status":"unavailable"}`, notDone, notDone},
		{"error", 500, ``, unknown, unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := at(t, says(c.code, c.body))
			if _, err := p.void(t.Context(), aCall, aVoid); attempt(err) != c.void {
				t.Errorf("void %s (%v), want %s", attempt(err), err, c.void)
			}
			if _, err := p.refund(t.Context(), aCall, aRefund); attempt(err) != c.refund {
				t.Errorf("refund %s (%v), want %s", attempt(err), err, c.refund)
			}
		})
	}
}

func TestCallsCarryTheKeysThatMakeThemRepeatable(t *testing.T) {
	type sent struct {
		Path, Key, Type string
		Body            map[string]any
	}
	var got []sent
	p := at(t, func(w http.ResponseWriter, r *http.Request) {
		s := sent{Path: r.Method + " " + r.URL.EscapedPath(), Key: r.Header.Get("Idempotency-Key"), Type: r.Header.Get("Content-Type")}
		if err := json.NewDecoder(r.Body).Decode(&s.Body); err != nil {
			t.Error(err)
		}
		got = append(got, s)
		says(http.StatusOK, `{"status":"refunded"}`)(w, r)
	})
	_, _ = p.charge(t.Context(), aCall, aCharge) // what is sent matters here, not how it ends
	_, _ = p.void(t.Context(), aCall, aVoid)
	_, _ = p.refund(t.Context(), aCall, aRefund)
	json := "application/json"
	want := []sent{
		{"POST /payments/p%2F1/charge", "call-1", json, map[string]any{"orderId": "o-1", "amount": 1200.0, "currency": "EUR", "token": "tok_secret"}},
		{"POST /payments/p%2F1/void", "call-1", json, map[string]any{"orderId": "o-1"}},
		{"POST /payments/p%2F1/refund", "call-1", json, map[string]any{"orderId": "o-1", "amount": 1200.0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSpentBudgetTellsGivenUpFromUnknown(t *testing.T) {
	if got := giveUp(aCharge, false).Outcome; got != GivenUp {
		t.Errorf("every attempt answered or never sent: got %q, want %q", got, GivenUp)
	}
	if got := giveUp(aCharge, true).Outcome; got != Unknown {
		t.Errorf("an attempt without an answer: got %q, want %q", got, Unknown)
	}
}
