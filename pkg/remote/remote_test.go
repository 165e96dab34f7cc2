package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/remote"
)

// post makes one attempt of a call that is done when the answer is 200 done.
func post(ctx context.Context, api remote.API) (remote.Answer, error) {
	a, err := api.Post(ctx, flow.Call{ID: "call-1", Key: "k", Attempt: 1}, "/things/k/do", map[string]any{"secret": "body"}, nil)
	if err == nil && !a.Says(http.StatusOK, "done") {
		err = a.Failure()
	}
	return a, err
}

// at is the outside world behind a handler.
func at(t *testing.T, h http.HandlerFunc) remote.API {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return remote.New("bank", s.URL)
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

func TestResponseDecidesTheCallsOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		body string
		want string
	}{
		"done":                           {200, `{"status":"done"}`, answered},
		"done with the wrong code":       {202, `{"status":"done"}`, unknown},
		"the other side did nothing":     {503, `{"status":"unavailable"}`, notDone},
		"asked too often":                {429, `{"status":"unavailable"}`, notDone},
		"somebody else says unavailable": {503, `<h1>no healthy upstream</h1>`, unknown},
		"error":                          {500, `{"status":"unavailable"}`, unknown},
		"bad gateway":                    {502, `{"status":"unavailable"}`, unknown},
		"gateway time-out":               {504, `{"status":"unavailable"}`, unknown},
		"turned away":                    {403, ``, notDone},
		"about the key":                  {409, `{"title":"in progress"}`, unknown},
		"half JSON":                      {200, `{"status":"done"`, unknown},
		"never ends":                     {200, `{"status":"done"}` + strings.Repeat(" ", 1<<20), unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := post(t.Context(), at(t, says(c.code, c.body))); attempt(err) != c.want {
				t.Errorf("got %s (%v), want %s", attempt(err), err, c.want)
			}
		})
	}
}

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// A trace that a foreign record brought may stand in the database from a time
// before it was checked. It must not hold up the call for ever.
func TestATraceThatIsNoneDoesNotStopACall(t *testing.T) {
	for _, text := range []string{trace + "\n", trace + "\r\nX-Evil: 1", "\x00", "nonsense"} {
		got := make(chan http.Header, 1)
		api := at(t, func(w http.ResponseWriter, r *http.Request) {
			got <- r.Header.Clone()
			says(http.StatusOK, `{"status":"done"}`)(w, r)
		})
		a, err := api.Post(t.Context(), flow.Call{ID: "call-1", Traceparent: text}, "/things/k/do", nil, nil)
		if err != nil || !a.Says(http.StatusOK, "done") {
			t.Errorf("%q: got %v (%v), want 200 done", text, a, err)
			continue
		}
		if h := <-got; h.Values("Traceparent") != nil {
			t.Errorf("%q: sent %v, want no trace", text, h)
		}
	}
}

func TestAKeyThatIsNoHeaderIsToldAndNotSent(t *testing.T) {
	for _, key := range []string{"", "a\nb", "a\r\nX-Evil: 1", "a\x00", "a b", "ключ", strings.Repeat("k", 256)} {
		api := at(t, func(http.ResponseWriter, *http.Request) { t.Errorf("a call was made with the key %q", key) })
		_, err := api.Post(t.Context(), flow.Call{ID: key}, "/things/k/do", nil, nil)
		if attempt(err) != notDone || !strings.Contains(err.Error(), "key") {
			t.Errorf("%q: call %s (%v), want %s and why", key, attempt(err), err, notDone)
		}
	}
}

// An id becomes a part of a path. As "." or ".." it would name another thing,
// and whoever stands between would take it out.
func TestAnIDThatIsNoPartOfAPathIsTold(t *testing.T) {
	for _, id := range []string{"", ".", ".."} {
		api := at(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%q: called %s", id, r.RequestURI) })
		_, err := api.Post(t.Context(), flow.Call{ID: "call-1"}, "/things/"+url.PathEscape(id)+"/do", nil, nil)
		if attempt(err) != notDone || !strings.Contains(err.Error(), "path") {
			t.Errorf("%q: call %s (%v), want %s and why", id, attempt(err), err, notDone)
		}
	}
}

func TestAnAttemptCarriesItsKeyAndItsTrace(t *testing.T) {
	got := make(chan http.Header, 1)
	api := at(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Clone()
		says(http.StatusOK, `{"status":"done","number":"7"}`)(w, r)
	})
	var more struct{ Number string }
	a, err := api.Post(t.Context(), flow.Call{ID: "call-1", Traceparent: trace}, "/things/k/do", nil, &more)
	if err != nil || !a.Says(http.StatusOK, "done") || more.Number != "7" {
		t.Errorf("got %v, %q (%v), want 200 done and 7", a, more.Number, err)
	}
	if h := <-got; h.Get("Idempotency-Key") != "call-1" || h.Get("Traceparent") != trace {
		t.Errorf("sent %v, want the key and the trace", h)
	}
}

func TestCallThatWasNeverSentHadNoEffect(t *testing.T) {
	gone := httptest.NewServer(says(http.StatusOK, `{"status":"done"}`))
	gone.Close()
	t.Run("connection refused", func(t *testing.T) { neverSent(t.Context(), t, gone.URL) })
	t.Run("no such host", func(t *testing.T) { neverSent(t.Context(), t, "http://provider.invalid") })
	t.Run("time is up before the connection stands", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never shakes hands
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		neverSent(ctx, t, "https://"+silent.Addr().String())
	})
}

func neverSent(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	if _, err := post(ctx, remote.New("bank", url)); attempt(err) != notDone {
		t.Errorf("call %s (%v), want %s", attempt(err), err, notDone)
	}
}

func TestCallThatWasSentAndNotAnsweredIsUnknown(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"time is up": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server notices a caller that leaves
			<-r.Context().Done()
		},
		"connection cut before the answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"connection cut within the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"status":"unavailable"}`)
			panic(http.ErrAbortHandler)
		},
		"answer stops half way": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":"unavailable"}`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"header without end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if _, err := post(ctx, at(t, h)); attempt(err) != unknown {
				t.Errorf("call %s (%v), want %s", attempt(err), err, unknown)
			}
		})
	}
}

// net/http sends a request again by itself when a kept connection breaks and
// the request has an Idempotency-Key. The other side may have done it at the
// first copy; its 503 to the second must not make that attempt one without
// effect.
func TestBrokenConnectionIsNotRetriedSilently(t *testing.T) {
	var calls atomic.Int32
	p := at(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
		says(http.StatusServiceUnavailable, `{"status":"unavailable"}`)(w, r)
	})
	if _, err := post(t.Context(), p); attempt(err) != notDone {
		t.Fatalf("first call %s (%v), want %s", attempt(err), err, notDone)
	}
	if _, err := post(t.Context(), p); attempt(err) != unknown || calls.Load() != 2 {
		t.Errorf("second call %s (%v) with %d calls in all, want %s with 2", attempt(err), err, calls.Load(), unknown)
	}
}

func TestABodyDoesNotFollowARedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	for _, code := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		p := at(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) })
		if _, err := post(t.Context(), p); attempt(err) != unknown {
			t.Errorf("call answered %d: %s (%v), want %s", code, attempt(err), err, unknown)
		}
	}
}
