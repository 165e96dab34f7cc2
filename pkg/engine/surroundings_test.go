package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/record"
)

// TestMain holds the kit to leaving nothing running: every process of every
// test has been stopped by now.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := shut(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	end := time.After(patience)
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for code == 0 {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !bytes.Contains(stacks, []byte("pkg/engine.(")) {
			break
		}
		select {
		case <-look.C:
		case <-end:
			fmt.Printf("goroutines of the kit are left:\n%s\n", stacks)
			code = 1
		}
	}
	os.Exit(code)
}

func header(r record.Record, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// hold stops the loop inside a transaction until the returned function is
// called: what is sent meanwhile is one batch.
func (p *process) hold() (release func()) {
	p.t.Helper()
	entered, release := p.holdNext()
	<-entered
	return release
}

// holdNext queues what will hold the loop, and tells when it does.
func (p *process) holdNext() (entered chan struct{}, release func()) {
	p.t.Helper()
	entered, gate := make(chan struct{}), make(chan struct{})
	p.held.Store(new(func() {
		close(entered)
		<-gate
	}))
	release = sync.OnceFunc(func() { close(gate) })
	p.t.Cleanup(release)
	p.send(p.record(Closed{Tally: "nobody", Then: "silent"}, fmt.Sprintf("held-%d", p.offsets["keeper.events"]), 1))
	return entered, release
}

func (p *process) queued() int64 {
	p.t.Helper()
	pending, err := p.engine.Pending(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return pending.Queued
}

const patience = 40 * time.Second

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-end.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// lines keeps what a process logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// schemaRegistry hands out ids, and can be away, or take questions and say nothing.
type schemaRegistry struct {
	url   string
	mu    sync.Mutex
	texts []string
	down  bool
	hung  chan struct{} // closed when it goes on; nil: it answers
	asked int           // questions that it said nothing to
}

// hang has the registry say nothing until the returned function is called.
func (s *schemaRegistry) hang() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hung := make(chan struct{})
	s.hung = hung
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hung = nil
		close(hung)
	})
}

// wait returns once the registry answers, or whoever asked is gone.
func (s *schemaRegistry) wait(r *http.Request) {
	s.mu.Lock()
	hung := s.hung
	if hung != nil {
		s.asked++
	}
	s.mu.Unlock()
	if hung != nil {
		select {
		case <-hung:
		case <-r.Context().Done():
		}
	}
}

func (s *schemaRegistry) unanswered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *schemaRegistry) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// forget loses all schemas, and know learns them again, under the same ids.
func (s *schemaRegistry) forget() (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts, s.texts = s.texts, nil
	return texts
}

func (s *schemaRegistry) know(texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = texts
}

var schemaID = regexp.MustCompile(`/schemas/ids/(\d+)`)

func (s *schemaRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.wait(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := func(id int) {
		_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "schema": s.texts[id-1], "version": 1})
	}
	if s.down {
		http.Error(w, "away", http.StatusServiceUnavailable)
	} else if strings.HasPrefix(r.URL.Path, "/config/") {
		_, _ = w.Write([]byte(`{"compatibilityLevel":"FULL_TRANSITIVE"}`))
	} else if m := schemaID.FindStringSubmatch(r.URL.Path); m != nil {
		if id, _ := strconv.Atoi(m[1]); id >= 1 && id <= len(s.texts) {
			answer(id)
			return
		}
		http.Error(w, `{"error_code":40403,"message":"unknown"}`, http.StatusNotFound)
	} else {
		var body struct{ Schema string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		answer(s.id(body.Schema))
	}
}

// id is a schema's, given to it now if it has none. The caller holds the lock.
func (s *schemaRegistry) id(schema string) int {
	if i := slices.Index(s.texts, schema); i >= 0 {
		return i + 1
	}
	s.texts = append(s.texts, schema)
	return len(s.texts)
}
