package order

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas"
)

// patience bounds every wait of a test; none that passes uses it up.
const patience = 20 * time.Second

// desk is the service of a test: real engine, database and HTTP server, with a
// topic log in memory. Every answer is held against openapi.yaml.
type desk struct {
	t       *testing.T
	dir     string
	bound   int // of the outbox
	log     *flowtest.Log
	codecs  map[string]*registry.Codec
	router  routers.Router
	offsets map[string]int64

	db       *store.DB
	engine   *engine.Engine[Order]
	api      *service.API
	url      string
	claims   map[string]*engine.Assignment
	stopHTTP func()
	stopped  func()
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), bound: 1000, log: &flowtest.Log{}, codecs: map[string]*registry.Codec{}, offsets: map[string]int64{}}
	for _, owner := range []string{"order", "inventory", "payment", "shipping"} {
		d.codecs[owner] = flowtest.Codec(t, schemas.FS, owner)
	}
	doc, err := openapi3.NewLoader().LoadFromData(openapi)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // a test's server has a port of its own
	if d.router, err = legacy.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
	d.start()
	t.Cleanup(func() { d.stopped() })
	return d
}

// start does what a process does when it starts.
func (d *desk) start() {
	d.t.Helper()
	var err error
	if d.db, err = store.Open(d.t.Context(), filepath.Join(d.dir, "order.db")); err != nil {
		d.t.Fatal(err)
	}
	if err := engine.Migrate(d.t.Context(), d.db, "order", Migrations); err != nil {
		d.t.Fatal(err)
	}
	changed := func(keys []string) { d.api.Changed(keys) }
	d.engine, err = engine.New(engine.Config[Order]{
		Participant: Flow, Store: Store, DB: d.db, Codec: d.codecs["order"], OpenProducer: d.log.Open, Log: slog.New(slog.DiscardHandler),
		Metrics: engine.NewMetrics(prometheus.NewRegistry()), Changed: changed, OutboxBound: d.bound, Park: engine.ParkPolicy{Delay: time.Hour, Attempts: 1},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if d.api, err = service.NewAPI(slog.New(slog.DiscardHandler), openapi, d.db.Read(), d.engine.Submit); err != nil {
		d.t.Fatal(err)
	}
	routes(d.api, time.Hour)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	d.url = "http://" + listener.Addr().String()
	d.run(listener)
}

func (d *desk) run(listener net.Listener) {
	serving, stopServing := context.WithCancel(context.Background())
	working, stopWorking := context.WithCancel(context.Background())
	var served, worked sync.WaitGroup
	served.Go(func() {
		if err := web.Serve(serving, listener, d.api.Echo); err != nil {
			d.t.Error(err)
		}
	})
	worked.Go(func() { d.engine.Run(working, 5*time.Second) })
	d.stopHTTP = func() {
		// A connection that the client opened and never used would hold the
		// server's end up until it is five seconds old.
		http.DefaultClient.CloseIdleConnections()
		stopServing()
		served.Wait()
	}
	d.stopped = sync.OnceFunc(func() {
		d.stopHTTP()
		stopWorking()
		worked.Wait()
		if err := d.db.Close(); err != nil {
			d.t.Error(err)
		}
	})
	d.claims = map[string]*engine.Assignment{}
	var claims []*engine.Assignment
	for _, topic := range Flow.Topics() {
		d.claims[topic] = &engine.Assignment{Topic: topic, Commit: func(int64) {}}
		claims = append(claims, d.claims[topic])
	}
	if err := d.engine.OnAssigned(d.t.Context(), claims); err != nil { // returns once the loop runs
		d.t.Fatal(err)
	}
}

// restart ends the process and starts another over the same database.
func (d *desk) restart() {
	d.t.Helper()
	d.stopped()
	d.start()
}

// deliver hands an event of another service over, as a foreign producer's
// record. It does not wait until the event is taken in.
func (d *desk) deliver(event any) {
	d.t.Helper()
	e := event.(flow.Event)
	value, dataSchema, err := d.codecs[e.EventOwner()].Encode(e.EventType(), e)
	if err != nil {
		d.t.Fatal(err)
	}
	topic := flow.Topic(e.EventOwner())
	r := &record.Record{Topic: topic, Offset: d.offsets[topic], Key: e.EventKey(), Value: value, Headers: []record.Header{
		{Name: "ce_type", Value: e.EventType()}, {Name: "ce_dataschema", Value: dataSchema},
	}}
	d.offsets[topic]++
	if err := d.engine.Enqueue(d.t.Context(), d.claims[topic], r); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) submit(c PlaceOrder) {
	d.t.Helper()
	if _, err := d.engine.Submit(d.t.Context(), engine.Command{Key: c.OrderID, Body: c}); err != nil {
		d.t.Fatal(err)
	}
}

// ended waits until the order has ended.
func (d *desk) ended(id string) details {
	d.t.Helper()
	status, _, body := d.call("GET", "/orders/"+id+"?wait=20s", "")
	o := read[details](d.t, body)
	if status != http.StatusOK || !o.Status.Terminal() {
		d.t.Fatalf("order %s does not end: %d %s", id, status, body)
	}
	return o
}

func (d *desk) count(query string) (n int) {
	d.t.Helper()
	if err := d.db.Read().QueryRowContext(d.t.Context(), query).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// published are the types of the events on the order service's topic, in
// order, each event once.
func (d *desk) published() (types []string) {
	seen := map[string]bool{}
	for _, r := range d.log.Records() {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Name] = h.Value
		}
		if !seen[headers["ce_id"]] {
			seen[headers["ce_id"]] = true
			types = append(types, strings.TrimPrefix(headers["ce_type"], "quintet.order."))
		}
	}
	return types
}

// call sends a request, and holds the answer against the document. Headers are
// given as name, value, name, value.
func (d *desk) call(method, path, body string, headers ...string) (status int, header http.Header, text string) {
	d.t.Helper()
	status, header, text, err := d.try(method, path, body, headers...)
	if err != nil {
		d.t.Error(err)
	}
	return status, header, text
}

// try is call for other goroutines than the test's.
func (d *desk) try(method, path, body string, headers ...string) (int, http.Header, string, error) {
	req := d.request(method, path, body, headers...)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil {
		err = d.check(req, resp, text)
	}
	return resp.StatusCode, resp.Header, string(text), err
}

func (d *desk) request(method, path, body string, headers ...string) *http.Request {
	ctx, cancel := context.WithTimeout(d.t.Context(), 2*patience)
	context.AfterFunc(d.t.Context(), cancel)
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Error(err)
		return httptest.NewRequest(method, "/", nil)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return req
}

// check holds an answer against the document: its status must be one of the
// operation's, and its headers and body must be what is said there.
func (d *desk) check(req *http.Request, resp *http.Response, body []byte) error {
	escaped := *req.URL // the router would take a%2Fb for two steps of the path
	escaped.Path = req.URL.EscapedPath()
	route, params, err := d.router.FindRoute(&http.Request{Method: req.Method, URL: &escaped})
	if err != nil {
		return errors.Join(errors.New(req.Method+" "+req.URL.Path), err)
	}
	stream := resp.Header.Get("Content-Type") == "text/event-stream" // no schema can say what is in it
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: stream},
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(patience)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}
