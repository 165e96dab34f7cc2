package shipping

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
	aBooking    = Book{ShipmentID: "s/1", OrderID: "o-1", Address: home, Lines: lines}
	anUnbooking = Unbook{ShipmentID: "s/1", OrderID: "o-1"}
	aCall       = flow.Call{ID: "call-1", Key: "o-1", Attempt: 1}
)

// at is the carrier behind a handler.
func at(t *testing.T, h http.HandlerFunc) carrier {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return carrier{remote.New("carrier", s.URL+"/")} // as people write it
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

func TestAnswersOfTheCarrierToABooking(t *testing.T) {
	booked := `{"status":"booked","trackingNumber":"QT1"}`
	for _, c := range []struct {
		name string
		code int
		body string
		want string
		then Outcome
	}{
		{"booked", 200, booked, answered, Accepted},
		{"refused", 422, `{"status":"refused"}`, answered, Refused},
		{"unbooked before", 409, `{"status":"unbooked"}`, answered, GivenUp},
		{"carrier says it did nothing", 503, `{"status":"unavailable"}`, notDone, ""},
		{"carrier is asked too often", 429, `{"status":"unavailable"}`, notDone, ""},
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
		{"key used for another booking", 422, `{"title":"key reused"}`, unknown, ""},
		{"request timeout", 408, ``, unknown, ""},
		{"booked under no number", 200, `{"status":"booked"}`, unknown, ""},
		{"booked with the wrong code", 202, booked, unknown, ""},
		{"no content", 204, ``, unknown, ""},
		{"not JSON", 200, `booked`, unknown, ""},
		{"half JSON", 200, `{"status":"booked","trackingNumber":"QT1"`, unknown, ""},
		{"two answers", 200, booked + booked, unknown, ""},
		{"number of the wrong type", 200, `{"status":"booked","trackingNumber":1}`, unknown, ""},
		{"never ends", 200, booked + strings.Repeat(" ", 1<<20), unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := at(t, says(c.code, c.body)).book(t.Context(), aCall, aBooking)
			if attempt(err) != c.want || got.Outcome != c.then || (got.TrackingNumber == "QT1") != (c.then == Accepted) {
				t.Errorf("got %+v, attempt %s (%v), want %q, attempt %s", got, attempt(err), err, c.then, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), home.Name) || len(err.Error()) > 300) {
				t.Errorf("error shows the address or is too long: %v", err)
			}
		})
	}
}

func TestUnbookingIsDoneOnlyWhenTheCarrierSaysSo(t *testing.T) {
	for _, c := range []struct {
		name string
		code int
		body string
		want string
		then Unbooked
	}{
		{"unbooked", 200, `{"status":"unbooked"}`, answered, Unbooked{}},
		{"collected", 200, `{"status":"collected","trackingNumber":"QT1"}`, answered, Unbooked{Collected: true, TrackingNumber: "QT1"}},
		{"collected under no number", 200, `{"status":"collected"}`, unknown, Unbooked{}},
		{"booked", 200, `{"status":"booked","trackingNumber":"QT1"}`, unknown, Unbooked{}},
		{"conflict", 409, `{"status":"collected"}`, unknown, Unbooked{}},
		{"wrong address", 404, ``, notDone, Unbooked{}},
		{"unavailable", 503, `{"status":"unavailable"}`, notDone, Unbooked{}},
		{"error", 500, ``, unknown, Unbooked{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := at(t, says(c.code, c.body)).unbook(t.Context(), aCall, anUnbooking)
			if attempt(err) != c.want || got != c.then {
				t.Errorf("got %+v, attempt %s (%v), want %+v, attempt %s", got, attempt(err), err, c.then, c.want)
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
	c := at(t, func(w http.ResponseWriter, r *http.Request) {
		s := sent{Path: r.Method + " " + r.URL.EscapedPath(), Key: r.Header.Get("Idempotency-Key"), Type: r.Header.Get("Content-Type")}
		if err := json.NewDecoder(r.Body).Decode(&s.Body); err != nil {
			t.Error(err)
		}
		got = append(got, s)
		says(http.StatusOK, `{"status":"unbooked"}`)(w, r)
	})
	depot := aBooking
	depot.Address = nil
	_, _ = c.book(t.Context(), aCall, aBooking) // what is sent matters here, not how it ends
	_, _ = c.book(t.Context(), aCall, depot)
	_, _ = c.unbook(t.Context(), aCall, anUnbooking)
	json := "application/json"
	address := map[string]any{"name": "Ada", "line1": "Main St 1", "line2": nil, "city": "Bonn", "postcode": "53111", "country": "DE"}
	parcel := []any{map[string]any{"sku": "tea", "quantity": 2.0}}
	want := []sent{
		{"POST /shipments/s%2F1/book", "call-1", json, map[string]any{"orderId": "o-1", "address": address, "lines": parcel}},
		{"POST /shipments/s%2F1/book", "call-1", json, map[string]any{"orderId": "o-1", "address": nil, "lines": parcel}},
		{"POST /shipments/s%2F1/unbook", "call-1", json, map[string]any{"orderId": "o-1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSpentBudgetTellsGivenUpFromUnknown(t *testing.T) {
	if got := giveUp(aBooking, false).Outcome; got != GivenUp {
		t.Errorf("every attempt answered or never sent: got %q, want %q", got, GivenUp)
	}
	if got := giveUp(aBooking, true).Outcome; got != Unknown {
		t.Errorf("an attempt without an answer: got %q, want %q", got, Unknown)
	}
}
