package service

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
)

// A job is done step by step, and ends with the step "end".
type job struct {
	ID   string   `json:"id"`
	Done []string `json:"done"`
}

var (
	jobs      = store.NewTable("jobs", "id", []string{"id", "done"}, func(j *job) []any { return []any{&j.ID, store.AsJSON(&j.Done)} })
	jobTables = fstest.MapFS{"0001_jobs.sql": {Data: []byte("-- +goose Up\nCREATE TABLE jobs (id TEXT PRIMARY KEY, done TEXT NOT NULL) WITHOUT ROWID;\n")}}
)

func (j job) ended() bool { return len(j.Done) > 0 && j.Done[len(j.Done)-1] == "end" }

func (j job) steps() (all []any) {
	for _, d := range j.Done {
		all = append(all, d)
	}
	return all
}

const jobAPI = `
openapi: 3.0.3
info: {title: jobs, version: "1"}
paths:
  /jobs/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}, {name: wait, in: query, schema: {type: string, default: 0s}}]
      responses: {"200": {description: the job}}
  /jobs/{id}/events:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}, {name: Last-Event-ID, in: header, schema: {type: string, pattern: '^[0-9]+$'}}]
      responses: {"200": {description: its steps}}
`

// yard is a service of jobs, without what runs it.
type yard struct {
	*testing.T
	db   *store.DB
	api  *API
	jobs Resource[job]
	url  string
	stop func()
}

func openYard(t *testing.T) *yard {
	t.Helper()
	db := flowtest.OpenDB(t, jobTables)
	a, err := NewAPI(slog.New(slog.DiscardHandler), []byte(jobAPI), db.Read(), nil)
	if err != nil {
		t.Fatal(err)
	}
	y := &yard{T: t, db: db, api: a, jobs: Resource[job]{Table: jobs, Nobody: "No such job.", View: func(j job) any { return j }, Ended: job.ended, Steps: job.steps}}
	a.GET("/jobs/:id", y.jobs.Get(a))
	a.GET("/jobs/:id/events", y.jobs.Follow(a))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	y.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := web.Serve(ctx, listener, a.Echo); err != nil {
			t.Error(err)
		}
	})
	y.stop = sync.OnceFunc(func() {
		http.DefaultClient.CloseIdleConnections() // one that was never used would hold the server up
		cancel()
		serving.Wait()
	})
	t.Cleanup(y.stop)
	return y
}

// save writes what a job has done so far, and tells nobody.
func (y *yard) save(id string, done ...string) {
	y.Helper()
	if err := flowtest.Save(y, y.db, flow.RowStore[job]{Table: jobs}, map[string]job{id: {Done: done}}); err != nil {
		y.Fatal(err)
	}
}

// get is the status and the body of an answer.
func (y *yard) get(path string) (int, string) {
	y.Helper()
	resp, err := http.Get(y.url + path)
	if err != nil {
		y.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		y.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// later is get in another goroutine.
func (y *yard) later(path string) <-chan string {
	answer := make(chan string, 1)
	go func() {
		_, text := y.get(path)
		answer <- text
	}()
	return answer
}

// waiting waits until so many requests wait for a change.
func (y *yard) waiting(n int) {
	y.Helper()
	end, look := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for y.count() != n {
		select {
		case <-look.C:
		case <-end:
			y.Fatalf("%d requests wait, want %d", y.count(), n)
		}
	}
}

func (y *yard) count() (n int) {
	y.api.changes.mu.Lock()
	defer y.api.changes.mu.Unlock()
	for _, listeners := range y.api.changes.waiting {
		n += len(listeners)
	}
	return n
}

func TestAResourceIsShownByItsID(t *testing.T) {
	y := openYard(t)
	y.save("their job/7", "begin")
	for path, want := range map[string]string{
		"/jobs/their%20job%2F7":        `{"id":"their job/7","done":["begin"]}`,
		"/jobs/nobody":                 `No such job.`,
		"/jobs/%00":                    `No such job.`,
		"/jobs/x?wait=31s":             `from 0s to 30s`,
		"/jobs/x?wait=soon":            `such as 5s`,
		"/jobs/x?verbose=1":            `is no parameter of this request`,
		"/jobs/x?wait=1s&wait=2s":      `is there twice`,
		"/jobs/x/events?after=1":       `is no parameter of this request`,
		"/jobs/their%20job%2F7?wait=":  `is empty`,
		"/jobs/their%20job%2F7?wait=0": `"begin"`,
	} {
		if _, got := y.get(path); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestAChangeBetweenReadAndWaitIsNotLost(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	// Shorter than the reading again: only a word from the engine can help.
	short, cancel := context.WithTimeout(t.Context(), readAgain*3/4)
	defer cancel()
	reads := 0
	j, err := y.jobs.until(t.Context(), short, y.api, "j", func(j job) bool {
		if reads++; reads == 1 { // has read, does not wait yet
			y.save("j", "begin", "end")
			y.api.Changed([]string{"j"})
		}
		return j.ended()
	})
	if err != nil || !j.ended() {
		t.Errorf("%v after %d readings: %v", j.Done, reads, err)
	}
}

func TestAnotherInstancesCommitIsSeen(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	answer := y.later("/jobs/j?wait=20s")
	y.waiting(1)
	y.save("j", "begin", "end") // nobody is told
	if got := <-answer; !strings.Contains(got, `"end"`) {
		t.Error(got)
	}
}

func TestWaitingAnswersWhenTimeIsUp(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	began := time.Now()
	if status, text := y.get("/jobs/j?wait=50ms"); status != http.StatusOK || time.Since(began) < 50*time.Millisecond {
		t.Errorf("%d after %s: %s", status, time.Since(began), text)
	}
}

func TestWaitingOutlastsTheServersLimit(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	srv := httptest.NewUnstartedServer(y.api)
	srv.Config.WriteTimeout = 50 * time.Millisecond // of the real one the longest wait uses up all
	srv.Start()
	defer srv.Close()
	y.url = srv.URL
	if status, text := y.get("/jobs/j?wait=200ms"); status != http.StatusOK || !strings.Contains(text, "begin") {
		t.Errorf("%d %s", status, text)
	}
}

func TestWaitingEndsWhenTheServerStops(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	answer := y.later("/jobs/j?wait=30s")
	y.waiting(1)
	began := time.Now()
	y.stop()
	if got := <-answer; !strings.Contains(got, "begin") || time.Since(began) > 4*time.Second {
		t.Errorf("%s after %s", got, time.Since(began))
	}
}

func TestAClientThatLeavesIsForgotten(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	for _, path := range []string{"?wait=30s", "/events"} {
		ctx, leave := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, y.url+"/jobs/j"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		left := make(chan struct{})
		go func() {
			defer close(left)
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body) // ends when the client leaves
				resp.Body.Close()
			}
		}()
		y.waiting(1)
		leave()
		<-left
		y.waiting(0)
	}
	if len(y.api.changes.waiting) != 0 {
		t.Error("keys that nobody waits for are kept")
	}
}

// events reads a stream from its beginning, or after an event, to its end or until it
// has so many.
func (y *yard) events(after string, n int) (got []string) {
	y.Helper()
	req, err := http.NewRequestWithContext(y.Context(), http.MethodGet, y.url+"/jobs/j/events", nil)
	if err != nil {
		y.Fatal(err)
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		y.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return []string{resp.Status}
	}
	for lines := bufio.NewScanner(resp.Body); len(got) < n && lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ": "); name == "id" || name == "data" {
			got = append(got, value)
		}
	}
	return got
}

func TestStepsAreStreamedFromWhereTheClientIs(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	if diff := cmp.Diff([]string{"1", `"begin"`}, y.events("", 2)); diff != "" {
		t.Errorf("one step (-want +got):\n%s", diff)
	}
	streaming := make(chan []string, 1)
	go func() { streaming <- y.events("1", 99) }()
	y.waiting(1)
	y.save("j", "begin", "work", "end")
	y.api.Changed(nil)
	if diff := cmp.Diff([]string{"2", `"work"`, "3", `"end"`}, <-streaming); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
	for _, last := range []string{"3", "4"} {
		if got := y.events(last, 99); got[0] != "204 No Content" {
			t.Errorf("after event %s, when all was seen: %v", last, got)
		}
	}
	if got := y.events("x", 99); got[0] != "400 Bad Request" {
		t.Errorf("after what is no event: %v", got)
	}
}

func TestAStreamEndsQuietlyWithTheServer(t *testing.T) {
	y := openYard(t)
	y.save("j", "begin")
	streaming := make(chan []string, 1)
	go func() { streaming <- y.events("1", 99) }()
	y.waiting(1)
	y.stop()
	if got := <-streaming; len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
