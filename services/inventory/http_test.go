package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas"
)

// shop is the service's HTTP side over a real batch loop and database.
type shop struct {
	*testing.T
	url  string
	db   *store.DB
	stop func() // ends the batch loop, and leaves HTTP up
}

func open(t *testing.T) shop {
	t.Helper()
	return openWith(t, func(s service.Submit) service.Submit { return s })
}

// openWith lets a test see what is submitted.
func openWith(t *testing.T, seen func(service.Submit) service.Submit) shop {
	t.Helper()
	db := openDB(t)
	log := &flowtest.Log{}
	loop, err := engine.New(engine.Config[Reservation]{
		Participant: Flow, Store: Store, DB: db, Codec: flowtest.Codec(t, schemas.FS, "inventory"), OpenProducer: log.Open,
		Log: slog.New(slog.DiscardHandler), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
		OutboxBound: 1000, Park: engine.ParkPolicy{Delay: time.Second, Attempts: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { loop.Run(ctx, 10*time.Second) })
	if err := loop.OnAssigned(t.Context(), nil); err != nil { // returns once the loop runs
		t.Fatal(err)
	}
	a, err := service.NewAPI(slog.New(slog.DiscardHandler), openapi, db.Read(), seen(loop.Submit))
	if err != nil {
		t.Fatal(err)
	}
	routes(a)
	server := httptest.NewServer(a)
	s := shop{T: t, url: server.URL, db: db, stop: func() { cancel(); running.Wait() }}
	t.Cleanup(func() { server.Close(); s.stop() })
	return s
}

// call returns the status and the body of the answer.
func (s shop) call(method, path, body string, header ...string) (int, string) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
		s.Errorf("%s %s: 503 without Retry-After", method, path)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func (s shop) wants(status int, body string) func(int, string) {
	s.Helper()
	return func(gotStatus int, got string) {
		s.Helper()
		if gotStatus != status || !strings.Contains(got, body) {
			s.Errorf("got %d %s, want %d with %s", gotStatus, got, status, body)
		}
	}
}

func TestADeliveryRaisesTheLevel(t *testing.T) {
	s := open(t)
	s.wants(404, "never received")(s.call("GET", "/stock/PEN", ""))
	level := `{"sku":"PEN","onHand":5,"reserved":0,"shipped":0,"received":5}`
	s.wants(200, level)(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`))
	s.wants(200, level)(s.call("GET", "/stock/PEN", ""))
	s.wants(200, `"onHand":7`)(s.call("POST", "/stock/PEN/receive", `{"quantity":2}`))
	s.wants(200, `{"stock":[{"sku":"PEN","onHand":7,"reserved":0,"shipped":0,"received":7}]}`)(s.call("GET", "/stock", ""))
}

func TestADeliveryWithAKeyIsCountedOnce(t *testing.T) {
	s := open(t)
	first := `{"sku":"PEN","onHand":5,"reserved":0,"shipped":0,"received":5}`
	s.wants(200, first)(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`, "Idempotency-Key", "d/1"))
	s.wants(200, `"onHand":6`)(s.call("POST", "/stock/PEN/receive", `{"quantity":1}`))
	s.wants(200, first)(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`, "Idempotency-Key", "d/1"))
	s.wants(422, "another request")(s.call("POST", "/stock/PEN/receive", `{"quantity":4}`, "Idempotency-Key", "d/1"))
	s.wants(200, `"onHand":9`)(s.call("POST", "/stock/BOOK/receive", `{"quantity":9}`, "Idempotency-Key", "d/1"))
	s.wants(200, `"onHand":8`)(s.call("POST", "/stock/PEN/receive", `{"quantity":2}`, "Idempotency-Key", "d/1", "X-Tenant-ID", "other"))
	s.wants(200, `"received":8`)(s.call("GET", "/stock/PEN", ""))
}

func TestADeliveryCarriesItsTrace(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	var got []string
	s := openWith(t, func(next service.Submit) service.Submit {
		return func(ctx context.Context, c engine.Command) (json.RawMessage, error) {
			got = append(got, c.Traceparent)
			return next(ctx, c)
		}
	})
	for _, sent := range []string{trace, "nonsense", strings.ToUpper(trace)} {
		s.wants(200, "")(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`, "traceparent", sent))
	}
	if diff := cmp.Diff([]string{trace, "", ""}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFiftyCopiesOfADeliveryAreCountedOnce(t *testing.T) {
	s := open(t)
	var copies sync.WaitGroup
	for range 50 {
		copies.Go(func() {
			s.wants(200, `"onHand":5`)(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`, "Idempotency-Key", "d-1"))
		})
	}
	copies.Wait()
	s.wants(200, `"received":5`)(s.call("GET", "/stock/PEN", ""))
}

func TestRetryAfterUnknownCommitCountsDeliveryOnce(t *testing.T) {
	lost := errors.New("connection lost")
	for name, faults := range map[string]store.Faults{
		"it had happened":     {AfterCommit: func() error { return lost }},
		"it had not happened": {BeforeCommit: func() error { return lost }},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.db.SetFaults(faults)
			s.wants(503, "not known yet. Repeat the request with the same Idempotency-Key")(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`, "Idempotency-Key", "d-1"))
			s.db.SetFaults(store.Faults{})
			s.wants(200, `"onHand":5`)(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`, "Idempotency-Key", "d-1"))
			s.wants(200, `"received":5`)(s.call("GET", "/stock/PEN", ""))
		})
	}
}

func TestADeliveryIsNotTakenInWhileTheServiceStops(t *testing.T) {
	s := open(t)
	s.stop()
	s.wants(503, "Nothing has happened")(s.call("POST", "/stock/PEN/receive", `{"quantity":5}`))
	s.wants(404, "")(s.call("GET", "/stock/PEN", ""))
}

func TestInvalidDeliveryIsRefusedWithoutEffect(t *testing.T) {
	s := open(t)
	for _, tt := range []struct {
		path, body string
		header     []string
		status     int
		says       string
	}{
		{path: "/stock/PEN/receive", body: `{"quantity":0}`, status: 422, says: `"field":"quantity"`},
		{path: "/stock/PEN/receive", body: `{"quantity":-1}`, status: 422, says: `"field":"quantity"`},
		{path: "/stock/PEN/receive", body: `{"quantity":1000000001}`, status: 422, says: `"field":"quantity"`},
		{path: "/stock/PEN/receive", body: `{"quantity":9223372036854775808}`, status: 422, says: `"field":"quantity"`},
		{path: "/stock/PEN/receive", body: `{"quantity":1.5}`, status: 422, says: `"field":"quantity"`},
		{path: "/stock/PEN/receive", body: `{"quantity":"5"}`, status: 422, says: `"field":"quantity"`},
		{path: "/stock/PEN/receive", body: `{}`, status: 422, says: `"field":"quantity"`},
		{path: "/stock/PEN/receive", body: `{"quantity":5,"price":1}`, status: 422, says: `"field":"price"`},
		{path: "/stock/PEN/receive", body: `[5]`, status: 422},
		{path: "/stock/PEN/receive", body: `5 pens`, status: 400},
		{path: "/stock/PEN/receive", body: ``, status: 400, says: "empty"},
		{path: "/stock/PEN/receive", body: `{"quantity":5,"a":"` + strings.Repeat("x", web.BodyLimit) + `"}`, status: 413},
		{path: "/stock/PEN/receive", body: `{"quantity":5}`, header: []string{"Content-Type", "text/plain"}, status: 415},
		{path: "/stock/PEN/receive", body: `{"quantity":5}`, header: []string{"Idempotency-Key", strings.Repeat("k", 129)}, status: 400, says: "Idempotency-Key"},
		{path: "/stock/PEN/receive", body: `{"quantity":5}`, header: []string{"Idempotency-Key", "ключ"}, status: 400, says: "Idempotency-Key"},
		{path: "/stock/PEN/receive", body: `{"quantity":5}`, header: []string{"X-Tenant-ID", "a/b"}, status: 400, says: "X-Tenant-ID"},
		{path: "/stock/.PEN/receive", body: `{"quantity":5}`, status: 400, says: "sku"},
		{path: "/stock/a%2Fb/receive", body: `{"quantity":5}`, status: 400, says: "sku"},
		{path: "/stock/a%0Ab/receive", body: `{"quantity":5}`, status: 400, says: "sku"},
		{path: "/stock/PEN%0A/receive", body: `{"quantity":5}`, status: 400, says: "sku"},
		{path: "/stock/" + strings.Repeat("x", 65) + "/receive", body: `{"quantity":5}`, status: 400, says: "sku"},
	} {
		s.wants(tt.status, tt.says)(s.call("POST", tt.path, tt.body, tt.header...))
	}
	s.wants(200, `{"stock":[]}`)(s.call("GET", "/stock", ""))
}

func TestStockIsListedPageByPage(t *testing.T) {
	s := open(t)
	var all []string
	for i := range 7 {
		sku := fmt.Sprintf("SKU-%d", i)
		all = append(all, sku)
		s.wants(200, "")(s.call("POST", "/stock/"+sku+"/receive", `{"quantity":1}`))
	}
	var seen []string
	var sizes []int
	for after := ""; ; {
		status, text := s.call("GET", "/stock?limit=3&after="+after, "")
		var p page
		if err := json.Unmarshal([]byte(text), &p); err != nil || status != 200 {
			t.Fatal(status, text, err)
		}
		sizes = append(sizes, len(p.Stock))
		for _, l := range p.Stock {
			seen = append(seen, l.SKU)
		}
		if after = p.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff([]any{all, []int{3, 3, 1}}, []any{seen, sizes}); diff != "" {
		t.Error(diff)
	}
	for query, says := range map[string]string{"limit=0": "must", "limit=501": "must", "limit=x": "must", "after=.x": "not a cursor", "sku=PEN": "no parameter"} {
		s.wants(400, says)(s.call("GET", "/stock?"+query, ""))
	}
	s.wants(400, "sku")(s.call("GET", "/stock/.x", ""))
}

func TestAReservationCanBeLookedUp(t *testing.T) {
	s := open(t)
	s.wants(404, "No stock")(s.call("GET", "/reservations/o-1", ""))
	foreign := order(line("PEN", 1))
	foreign.OrderID = "their order/7"
	err := batch(t.Context(), s.db, []any{ReceiveStock{SKU: "PEN", Quantity: 5}, order(line("PEN", 2)), foreign})
	if err != nil {
		t.Fatal(err)
	}
	s.wants(200, `{"orderId":"o-1","status":"reserved","lines":[{"sku":"PEN","quantity":2}]}`)(s.call("GET", "/reservations/o-1", ""))
	s.wants(200, `{"orderId":"their order/7"`)(s.call("GET", "/reservations/their%20order%2F7", ""))
}

func TestTheDocumentAndTheRoutesAgree(t *testing.T) {
	a, err := service.NewAPI(slog.New(slog.DiscardHandler), openapi, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	routes(a)
	for _, problem := range web.CheckRoutes(a.Spec, a.Routes()) {
		t.Error(problem)
	}
	s := open(t)
	s.wants(200, "operationId: receiveStock")(s.call("GET", "/openapi.yaml", ""))
}
