package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
)

// serve runs e on a real listener until the returned stop is called, whose
// result is Serve's.
func serve(tb testing.TB, e *echo.Echo) (url string, stop func() error) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, e) }()
	tb.Cleanup(cancel)
	return "http://" + l.Addr().String(), func() error { cancel(); return <-ended }
}

func TestUnusedConnectionsDoNotDelayShutdown(t *testing.T) {
	t.Parallel()
	url, stop := serve(t, New(quiet()))
	var unused []net.Conn
	for range 10 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		unused = append(unused, c)
	}
	resp, err := http.Get(url + "/nothing") // accepted after those, so those are accepted
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := stop(); err != nil { // without the closing it is cut off after the drain time, and says so
		t.Errorf("stop with %d unused connections: %v", len(unused), err)
	}
}

func TestShutdownAnswersRequestsInFlight(t *testing.T) {
	e := New(quiet())
	arrived := make(chan struct{})
	e.GET("/slow", func(c echo.Context) error {
		close(arrived)
		<-Stopping(c.Request().Context())
		if err := c.Request().Context().Err(); err != nil {
			return fmt.Errorf("cancelled while draining: %w", err)
		}
		return c.String(http.StatusOK, "done")
	})
	url, stop := serve(t, e)
	answered := make(chan string, 1)
	go func() {
		_, text := call(t, "GET", url+"/slow")
		answered <- text
	}()
	<-arrived
	if err := stop(); err != nil {
		t.Error(err)
	}
	if text := <-answered; text != "done" {
		t.Error(text)
	}
	if _, err := http.Get(url + "/slow"); err == nil {
		t.Error("still answering")
	}
}

func TestARequestThatDoesNotEndIsCutOff(t *testing.T) {
	t.Parallel()
	e := New(quiet())
	arrived := make(chan struct{})
	e.GET("/stuck", func(c echo.Context) error {
		close(arrived)
		<-c.Request().Context().Done()
		return nil
	})
	url, stop := serve(t, e)
	go func() {
		if resp, err := http.Get(url + "/stuck"); err == nil {
			resp.Body.Close()
		}
	}()
	<-arrived
	start := time.Now()
	if err := stop(); err == nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(start); took < drainTimeout || took > drainTimeout+3*time.Second {
		t.Error(took)
	}
}

func TestATakenListenerIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := Serve(t.Context(), l, New(quiet())); err == nil {
		t.Error("served")
	}
}

// net/http lifts the read timeout once a request has been read. Were that to
// change, it would cancel every handler that waits longer.
func TestAWaitingHandlerOutlivesTheReadTimeout(t *testing.T) {
	spec, e := mustLoad(t, openapi), New(quiet())
	wait := func(c echo.Context) error {
		var in sendParcel
		if c.Request().Method == http.MethodPost {
			if err := spec.Decode(c, &in); err != nil {
				return err
			}
		}
		select {
		case <-c.Request().Context().Done():
			return c.String(http.StatusGone, "cancelled")
		case <-time.After(400 * time.Millisecond):
			return c.String(http.StatusOK, "waited")
		}
	}
	e.GET("/parcels", wait)
	e.POST("/parcels", wait)
	srv := httptest.NewUnstartedServer(e)
	srv.Config.ReadTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	if resp, text := call(t, "GET", srv.URL+"/parcels"); text != "waited" {
		t.Error(resp.Status, text)
	}
	if status, _, text := post(t, srv.URL+"/parcels", "application/json", goodParcel); text != "waited" {
		t.Error(status, text)
	}
}

// counter is a stream's source: the numbers up to its end, one at a time, each
// when it is released.
type counter struct {
	end      int
	released chan struct{}
	left     chan error
}

func (n *counter) next(ctx context.Context, after string) ([]Event, bool, error) {
	i, _ := strconv.Atoi(after)
	select {
	case <-n.released:
		i++
		return []Event{{ID: strconv.Itoa(i), Type: "tick", Data: map[string]string{"text": "a\nb"}}}, i == n.end, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func (n *counter) handler(heartbeat time.Duration) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := stream(c, heartbeat, n.next)
		n.left <- err
		return err
	}
}

func newCounter(end int) *counter {
	return &counter{end: end, released: make(chan struct{}, end), left: make(chan error, 1)}
}

// listen opens a stream and returns what reads its next line that is not empty.
func listen(tb testing.TB, ctx context.Context, url, lastID string) (*http.Response, func() string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return resp, func() string {
		for lines.Scan() {
			if lines.Text() != "" {
				return lines.Text()
			}
		}
		return "end"
	}
}

func take(n int, line func() string) (lines []string) {
	for range n {
		lines = append(lines, line())
	}
	return lines
}

func TestAStreamResumesBehindTheLastEventAndEnds(t *testing.T) {
	source := newCounter(3)
	e := New(quiet())
	e.GET("/ticks", source.handler(heartbeat))
	url, _ := serve(t, e)
	resp, line := listen(t, t.Context(), url+"/ticks", "1")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Error(resp.Status, resp.Header)
	}
	got := take(1, line) // the client hears before the first event
	source.released <- struct{}{}
	got = append(got, take(3, line)...)
	source.released <- struct{}{}
	got = append(got, take(4, line)...)
	want := []string{"retry: 2000", "id: 2", "event: tick", `data: {"text":"a\nb"}`, "id: 3", "event: tick", `data: {"text":"a\nb"}`, "end"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := <-source.left; err != nil {
		t.Error(err)
	}
}

func TestASilentStreamBeats(t *testing.T) {
	source := newCounter(1)
	e := New(quiet())
	e.GET("/ticks", source.handler(20*time.Millisecond))
	url, _ := serve(t, e)
	_, line := listen(t, t.Context(), url+"/ticks", "")
	if diff := cmp.Diff([]string{"retry: 2000", ":", ":", ":"}, take(4, line)); diff != "" {
		t.Error(diff)
	}
}

func TestAStreamEndsWhenItsClientLeaves(t *testing.T) {
	source := newCounter(1)
	e := New(quiet())
	e.GET("/ticks", source.handler(heartbeat))
	url, _ := serve(t, e)
	ctx, leave := context.WithCancel(t.Context())
	_, line := listen(t, ctx, url+"/ticks", "")
	line()
	leave()
	if err := <-source.left; err != nil {
		t.Error(err)
	}
}

func TestAStreamEndsWhenTheServerStops(t *testing.T) {
	source := newCounter(1)
	e := New(quiet())
	e.GET("/ticks", source.handler(heartbeat))
	url, stop := serve(t, e)
	_, line := listen(t, t.Context(), url+"/ticks", "")
	line()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-source.left; err != nil {
		t.Error(err)
	}
}

// The write timeout counts from the request, so a stream must renew it.
func TestAStreamOutlivesTheWriteAndReadTimeout(t *testing.T) {
	source := newCounter(1)
	e := New(quiet())
	e.GET("/ticks", source.handler(50*time.Millisecond))
	srv := httptest.NewUnstartedServer(e)
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	srv.Start()
	defer srv.Close()
	_, line := listen(t, t.Context(), srv.URL+"/ticks", "")
	if got := take(10, line); got[9] != ":" {
		t.Error(got)
	}
	source.released <- struct{}{}
	if got := take(4, line); got[3] != "end" {
		t.Error(got)
	}
}

func TestAStreamThatFailsIsLoggedAndEnds(t *testing.T) {
	for name, next := range map[string]Next{
		"a failing source": func(context.Context, string) ([]Event, bool, error) { return nil, false, errors.New("disk") },
		"a broken id": func(context.Context, string) ([]Event, bool, error) {
			return []Event{{ID: "1\ndata: forged"}}, false, nil
		},
		"no id": func(context.Context, string) ([]Event, bool, error) { return []Event{{}}, false, nil },
		"a broken event": func(context.Context, string) ([]Event, bool, error) {
			return []Event{{ID: "1", Data: func() {}}}, false, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log logbook
			e := New(slog.New(slog.NewJSONHandler(&log, nil)))
			e.GET("/ticks", func(c echo.Context) error { return Stream(c, next) })
			srv := httptest.NewServer(e)
			_, line := listen(t, t.Context(), srv.URL+"/ticks", "")
			if diff := cmp.Diff([]string{"retry: 2000", "end"}, take(2, line)); diff != "" {
				t.Error(diff)
			}
			srv.Close()
			if strings.Count(log.String(), "\n") != 1 {
				t.Error(log.String())
			}
		})
	}
}

func TestAnEndlessLastEventIdIsRefused(t *testing.T) {
	e := New(quiet())
	e.GET("/ticks", newCounter(1).handler(heartbeat))
	srv := httptest.NewServer(e)
	defer srv.Close()
	resp, _ := listen(t, t.Context(), srv.URL+"/ticks", strings.Repeat("9", maxEventID+1))
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 400 {
		t.Error(resp.Status, string(text))
	}
}
