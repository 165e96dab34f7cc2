package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
)

// logbook is what a service logged.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func call(tb testing.TB, method, url string) (*http.Response, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp, string(text)
}

func TestErrorsAreAnsweredAsProblems(t *testing.T) {
	const secret = "password=hunter2"
	for name, tt := range map[string]struct {
		handler echo.HandlerFunc
		status  int
		detail  string
		logged  bool
	}{
		"a problem":         {func(echo.Context) error { return Conflict("It has ended.") }, 409, "It has ended.", false},
		"with a cause":      {func(echo.Context) error { return Unavailable("Later.", 1).Because(errors.New(secret)) }, 503, "Later.", true},
		"an internal error": {func(echo.Context) error { return errors.New(secret) }, 500, "The request failed for a reason that is not yours. It has been logged.", true},
		"a panic":           {func(echo.Context) error { panic(secret) }, 500, "The request failed for a reason that is not yours. It has been logged.", true},
		"echo's own 500":    {func(echo.Context) error { return echo.NewHTTPError(502, secret) }, 500, "The request failed for a reason that is not yours. It has been logged.", true},
		"echo's own 4xx":    {func(echo.Context) error { return echo.NewHTTPError(410, "Gone for good.") }, 410, "Gone for good.", false},
		"not found":         {func(echo.Context) error { return NotFound("No such parcel.") }, 404, "No such parcel.", false},
	} {
		t.Run(name, func(t *testing.T) {
			var log logbook
			e := New(slog.New(slog.NewJSONHandler(&log, nil)))
			e.POST("/x/:id", tt.handler)
			srv := httptest.NewServer(e)
			defer srv.Close()
			status, p, text := post(t, srv.URL+"/x/1", "", "")
			if status != tt.status || p.Detail != tt.detail || strings.Contains(text, secret) {
				t.Errorf("%d %s", status, text)
			}
			lines := strings.Count(log.String(), "\n")
			if tt.logged != (lines == 1) || lines > 1 || tt.logged != strings.Contains(log.String(), secret) {
				t.Errorf("logged: %s", log.String())
			}
			if tt.logged && !strings.Contains(log.String(), `"route":"/x/:id"`) {
				t.Errorf("logged: %s", log.String())
			}
		})
	}
}

func TestRetryAfterIsInWholeSeconds(t *testing.T) {
	e := New(quiet())
	e.GET("/", func(echo.Context) error { return Unavailable("Later.", 1200*time.Millisecond) })
	srv := httptest.NewServer(e)
	defer srv.Close()
	if resp, _ := call(t, "GET", srv.URL); resp.Header.Get("Retry-After") != "2" {
		t.Error(resp.Header)
	}
}

func TestUnknownPathsAndMethodsAreProblems(t *testing.T) {
	srv := depot(t)
	resp, text := call(t, "GET", srv.URL+"/nothing")
	if resp.StatusCode != 404 || !strings.Contains(text, `"title":"Not Found"`) || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Error(resp.Status, text)
	}
	resp, text = call(t, "DELETE", srv.URL+"/parcels/7")
	if resp.StatusCode != 405 || !strings.Contains(resp.Header.Get("Allow"), "GET") || !strings.Contains(text, `"status":405`) {
		t.Error(resp.Status, resp.Header, text)
	}
	if resp, text = call(t, "HEAD", srv.URL+"/nothing"); resp.StatusCode != 404 || text != "" {
		t.Error(resp.Status, text)
	}
}

func TestHEADIsAnsweredAsGETWithoutTheBody(t *testing.T) {
	e := New(quiet())
	Operational(e, func() []string { return []string{"broker: away"} }, func(context.Context) (any, error) { return struct{}{}, nil },
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) }))
	mustLoad(t, openapi).Serve(e)
	e.GET("/long", func(c echo.Context) error { return c.String(http.StatusOK, strings.Repeat("long ", 1<<16)) })
	e.GET("/ticks", func(c echo.Context) error {
		return Stream(c, func(ctx context.Context, _ string) ([]Event, bool, error) { <-ctx.Done(); return nil, false, ctx.Err() })
	})
	e.POST("/orders", func(c echo.Context) error { return c.NoContent(http.StatusAccepted) })
	srv := httptest.NewServer(e)
	defer srv.Close()
	for _, path := range []string{"/healthz", "/readyz", "/pending", "/metrics", "/openapi.yaml", "/long", "/nothing", "/orders"} {
		got, text := call(t, "HEAD", srv.URL+path)
		want, _ := call(t, "GET", srv.URL+path)
		type answer struct {
			Status int
			Header http.Header
		}
		for _, h := range []http.Header{got.Header, want.Header} {
			h.Del("Date")
			h.Del("Content-Length") // may be left out where it takes making the body to know it
		}
		if diff := cmp.Diff(answer{want.StatusCode, want.Header}, answer{got.StatusCode, got.Header}); diff != "" || text != "" {
			t.Errorf("%s: HEAD has a body %q, and differs from GET (-GET +HEAD):\n%s", path, text, diff)
		}
	}
	if got, text := call(t, "HEAD", srv.URL+"/ticks"); got.StatusCode != 200 || text != "" || got.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(got.Status, text, got.Header)
	}
	if got, _ := call(t, "DELETE", srv.URL+"/healthz"); !strings.Contains(got.Header.Get("Allow"), "HEAD") {
		t.Errorf("allowed: %s", got.Header.Get("Allow"))
	}
}

func TestAnIDIsReadAsItsOwnerWroteIt(t *testing.T) {
	e := New(quiet())
	e.GET("/parcels/:id/way", ByID("No such parcel.", func(c echo.Context) error { return c.String(http.StatusOK, c.Param("id")) }))
	srv := httptest.NewServer(e)
	defer srv.Close()
	for path, want := range map[string]string{
		"p-1": "p-1", "their%20parcel%2F7": "their parcel/7", "a%25b": "a%b", "a%0Ab": "a\nb", "..%2F..": "../..", "%D0%BF": "п",
		"%00": "", "%ff": "", "a%2Fb%00": "", strings.Repeat("x", 257): "",
	} {
		resp, text := call(t, "GET", srv.URL+"/parcels/"+path+"/way")
		if want == "" && (resp.StatusCode != 404 || !strings.Contains(text, "No such parcel.")) || want != "" && text != want {
			t.Errorf("%s: %s %s, want %q", path, resp.Status, text, want)
		}
	}
}

func TestAHandlerThatAnsweredCannotAnswerAgain(t *testing.T) {
	var log logbook
	e := New(slog.New(slog.NewJSONHandler(&log, nil)))
	e.GET("/", func(c echo.Context) error {
		_ = c.String(http.StatusOK, "fine")
		return errors.New("too late")
	})
	srv := httptest.NewServer(e)
	defer srv.Close()
	if resp, text := call(t, "GET", srv.URL); resp.StatusCode != 200 || text != "fine" || strings.Count(log.String(), "too late") != 1 {
		t.Error(resp.Status, text, log.String())
	}
}

func TestAClientThatLeavesIsNotAnError(t *testing.T) {
	var log logbook
	e := New(slog.New(slog.NewJSONHandler(&log, nil)))
	ctx, leave := context.WithCancel(t.Context())
	e.GET("/", func(c echo.Context) error {
		leave()
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	srv := httptest.NewServer(e)
	req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Error("answered")
	}
	srv.Close() // waits for the handler
	if log.String() != "" {
		t.Error(log.String())
	}
}

func TestOperationalEndpoints(t *testing.T) {
	var missing []string
	var failed error
	e := New(quiet())
	Operational(e, func() []string { return missing },
		func(context.Context) (any, error) { return map[string]int{"outbox": 3}, failed },
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) }))
	srv := httptest.NewServer(e)
	defer srv.Close()
	expect := func(path string, status int, want string) {
		t.Helper()
		resp, text := call(t, "GET", srv.URL+path)
		if resp.StatusCode != status || !strings.Contains(text, want) {
			t.Errorf("%s: %s %s", path, resp.Status, text)
		}
	}
	expect("/healthz", 200, `{"status":"ok"}`)
	expect("/readyz", 200, `{"status":"ready"}`)
	expect("/pending", 200, `{"outbox":3}`)
	expect("/metrics", 200, "up 1")
	missing, failed = []string{"broker: connection refused"}, errors.New("disk")
	expect("/readyz", 503, `{"missing":["broker: connection refused"]}`)
	expect("/pending", 503, `"title":"Service Unavailable"`)
}

func TestTheDocumentIsHeldAgainstTheRoutes(t *testing.T) {
	spec, e := mustLoad(t, openapi), New(quiet())
	Operational(e, nil, nil, http.NotFoundHandler())
	spec.Serve(e)
	handler := func(echo.Context) error { return nil }
	e.RouteNotFound("/*", handler)
	e.POST("/parcels", handler)
	e.GET("/parcels/:parcelId", handler)
	want := []string{
		"GET /parcels/:id: documented, but has no route",
		"GET /parcels/:parcelId: has a route, but is not documented",
		"POST /parcels/:id/stop: documented, but has no route",
	}
	if diff := cmp.Diff(want, CheckRoutes(spec, e.Routes())); diff != "" {
		t.Error(diff)
	}
	srv := depot(t)
	if resp, text := call(t, "GET", srv.URL+"/openapi.yaml"); text != openapi || resp.StatusCode != 200 {
		t.Error(resp.Status, text)
	}
}

func TestADocumentThatHidesWhatIsAcceptedIsRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"lacks additionalProperties: false": {"required: [city]", "required: [city]\n          x-was: strict"},
		"lacks maxItems":                    {"maxItems: 100", "minLength: 0"},
		"combination":                       {"{type: boolean}", "{type: boolean, oneOf: [{type: boolean}]}"},
		"lacks a type":                      {"{type: boolean}", "{description: any}"},
		"version":                           {"openapi: 3.0.3", "openapi: 3.1.0"},
	} {
		text := strings.Replace(openapi, change[0], change[1], 1)
		if name == "lacks additionalProperties: false" {
			text = strings.Replace(openapi, "          additionalProperties: false\n          required: [city]", "          required: [city]", 1)
		}
		if text == openapi {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := LoadSpec([]byte(text)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
	if _, err := LoadSpec([]byte("openapi: [")); err == nil {
		t.Error("loaded")
	}
}

func TestAProblemTellsItsWholeStoryToTheLog(t *testing.T) {
	cause := errors.New("disk full")
	p := Invalid("No.", FieldError{"lines[0]", "is bad"}).Because(cause)
	if got := p.Error(); got != "422 Unprocessable Entity: No.; lines[0] is bad: disk full" || !errors.Is(p, cause) {
		t.Error(got)
	}
	text, err := json.Marshal(BadRequest(""))
	if err != nil || string(text) != `{"type":"about:blank","title":"Bad Request","status":400}` {
		t.Error(string(text), err)
	}
}
