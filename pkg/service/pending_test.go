package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/web"
)

func counted(context.Context) (engine.Pending, error) {
	return engine.Pending{Queued: 1, Outbox: 2, Effects: 3, Timers: 4, Parked: 5, Handled: 6}, nil
}

func behind(n int64, err error) func(context.Context) (int64, error) {
	return func(context.Context) (int64, error) { return n, err }
}

// asked returns the status and the body of GET /pending.
func asked(t *testing.T, pending func(context.Context) (any, error)) (int, map[string]any) {
	t.Helper()
	e := web.New(slog.New(slog.DiscardHandler))
	web.Operational(e, nil, pending, http.NotFoundHandler())
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/pending", http.NoBody))
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return w.Code, body
}

func TestPendingTellsWhatIsKnownAndNamesTheRest(t *testing.T) {
	away := errors.New("not connected to the broker now")
	gone := func(context.Context) (engine.Pending, error) { return engine.Pending{}, errors.New("no database") }
	all := func(why string) map[string]any {
		return map[string]any{"queued": why, "outbox": why, "effects": why, "timers": why, "parked": why, "handled": why}
	}
	nothing := all("no database")
	nothing["lag"] = away.Error()
	for name, c := range map[string]struct {
		counts func(context.Context) (engine.Pending, error)
		lag    func(context.Context) (int64, error)
		want   map[string]any
	}{
		"all is well": {counted, behind(7, nil), map[string]any{
			"lag": 7., "queued": 1., "outbox": 2., "effects": 3., "timers": 4., "parked": 5., "handled": 6.,
		}},
		"the broker is away": {counted, behind(0, away), map[string]any{
			"lag": nil, "queued": 1., "outbox": 2., "effects": 3., "timers": 4., "parked": 5., "handled": 6.,
			"unknown": map[string]any{"lag": "not connected to the broker now"},
		}},
		"the database is away": {gone, behind(7, nil), map[string]any{
			"lag": 7., "queued": nil, "outbox": nil, "effects": nil, "timers": nil, "parked": nil, "handled": nil, "unknown": all("no database"),
		}},
		"both are away": {gone, behind(0, away), map[string]any{
			"lag": nil, "queued": nil, "outbox": nil, "effects": nil, "timers": nil, "parked": nil, "handled": nil, "unknown": nothing,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			status, got := asked(t, newPending(c.counts, c.lag).answer)
			if diff := cmp.Diff(c.want, got); diff != "" || status != http.StatusOK {
				t.Errorf("%d (-want +got):\n%s", status, diff)
			}
		})
	}
}

func TestPendingDoesNotWaitForASilentBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, under := make(chan struct{}), make(chan struct{}, 100)
		tell := newPending(counted, func(context.Context) (int64, error) { // as the client's calls are, deaf to ctx
			under <- struct{}{}
			<-answer
			return 7, nil
		})
		for range 2 * maxAsking {
			began := time.Now()
			_, got := asked(t, tell.answer)
			want := map[string]any{"lag": errSilent.Error()}
			if diff := cmp.Diff(want, got["unknown"]); diff != "" || got["outbox"] != 2. || time.Since(began) != patience {
				t.Errorf("after %s: %v", time.Since(began), got)
			}
		}
		if len(under) != maxAsking {
			t.Errorf("%d questions are left behind, want %d", len(under), maxAsking)
		}
		close(answer)
		synctest.Wait()
		if _, got := asked(t, tell.answer); got["lag"] != 7. || got["unknown"] != nil {
			t.Errorf("once it answers again: %v", got)
		}
	})
}

func TestPendingDoesNotWaitForASilentDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, got := asked(t, newPending(func(ctx context.Context) (engine.Pending, error) {
			<-ctx.Done()
			return engine.Pending{}, ctx.Err()
		}, behind(7, nil)).answer)
		if got["lag"] != 7. || got["outbox"] != nil || got["unknown"] == nil {
			t.Errorf("got %v", got)
		}
	})
}
