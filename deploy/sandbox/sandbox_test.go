package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

// TestMain lets the test binary be the sandbox process that a test kills.
func TestMain(m *testing.M) {
	dir := os.Getenv("SANDBOX_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := sandbox.Open(sandbox.Config{DataDir: dir, HTTPAddr: "127.0.0.1:0", SMTPAddr: "127.0.0.1:0"}, slog.New(slog.DiscardHandler))
	if err == nil {
		fmt.Println(s.HTTPAddr)
		err = s.Serve(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// world is a running sandbox and a client of it.
type world struct {
	t    *testing.T
	dir  string
	url  string
	smtp string
	log  bytes.Buffer // read only when stopped
	stop func() error // ends Serve and returns its error; once
}

func start(t *testing.T) *world { t.Helper(); return startIn(t, t.TempDir()) }

func startIn(t *testing.T, dir string) *world { t.Helper(); return startWith(t, dir, "") }

func startWith(t *testing.T, dir, relay string) *world {
	t.Helper()
	w := &world{t: t, dir: dir}
	s, err := sandbox.Open(sandbox.Config{DataDir: dir, HTTPAddr: "127.0.0.1:0", SMTPAddr: "127.0.0.1:0", SMTPRelay: relay}, slog.New(slog.NewJSONHandler(&w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	w.url, w.smtp = "http://"+s.HTTPAddr, s.SMTPAddr
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	stopped := false
	w.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-served
	}
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return w
}

// restart stops the sandbox and starts another one on the same ledgers.
func (w *world) restart() *world {
	w.t.Helper()
	if err := w.stop(); err != nil {
		w.t.Fatal(err)
	}
	return startIn(w.t, w.dir)
}

// reply is an answer as its caller sees it: one line, so that tables read well.
type reply string

// send makes one call; the body is JSON, or empty.
func (w *world) send(ctx context.Context, method, path, body string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.url+path, bytes.NewBufferString(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return reply(fmt.Sprintf("%d %s", resp.StatusCode, bytes.TrimSpace(text))), err
}

func (w *world) must(method, path, body string) reply {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	got, err := w.send(ctx, method, path, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

func (w *world) expect(method, path, body string, want reply) {
	w.t.Helper()
	if got := w.must(method, path, body); got != want {
		w.t.Errorf("%s %s\n got %s\nwant %s", method, path, got, want)
	}
}

// expectSilence makes a call that must not be answered while its caller waits.
func (w *world) expectSilence(method, path, body string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 300*time.Millisecond)
	defer cancel()
	if got, err := w.send(ctx, method, path, body); !errors.Is(err, context.DeadlineExceeded) {
		w.t.Errorf("%s %s: got %q, %v; want no answer", method, path, got, err)
	}
}

func (w *world) ledger(name, query string) []sandbox.Entry {
	w.t.Helper()
	resp, err := http.Get(w.url + "/ledger/" + name + query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var entries []sandbox.Entry
	if err := json.NewDecoder(resp.Body).Decode(&entries); err != nil {
		w.t.Fatalf("read ledger %s: %v", name, err)
	}
	return entries
}

// story is a ledger in short: "op outcome", with "?" when it was not answered.
func (w *world) story(name string) (lines []string) {
	w.t.Helper()
	for _, e := range w.ledger(name, "") {
		line := e.Op + " " + e.Outcome
		if !e.Answered {
			line += " ?"
		}
		lines = append(lines, line)
	}
	return lines
}

// eventually waits for a condition, at most 10 s.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("still not so after 10 s: %s", what)
		case <-tick.C:
		}
	}
}

func TestHEADIsAnsweredAsGETWithoutTheBody(t *testing.T) {
	w := start(t)
	for _, path := range []string{"/healthz", "/readyz", "/faults", "/ledger/payments", "/ledger/nothing", "/payments/p-1"} {
		want, err := http.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = want.Body.Close()
		got, err := http.Head(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		if got.StatusCode != want.StatusCode || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
			t.Errorf("%s: HEAD is answered %s %v, GET %s %v", path, got.Status, got.Header, want.Status, want.Header)
		}
	}
}
