package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas/events"
)

const order = `{"customerId":"c-1","email":"ada@example.com","currency":"EUR","paymentToken":"tok_ok",` +
	`"shippingAddress":{"name":"Ada Lovelace","line1":"12 St James's Square","city":"London","postcode":"SW1Y 4JH","country":"GB"},` +
	`"lines":[{"sku":"tea","quantity":2,"unitPrice":450},{"sku":"cup","quantity":1,"unitPrice":100}]}`

func read[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// take places an order and returns its id.
func (d *desk) take(body string, headers ...string) string {
	d.t.Helper()
	status, header, text := d.call("POST", "/orders", body, headers...)
	if status != http.StatusAccepted {
		d.t.Fatalf("%d %s", status, text)
	}
	a := read[Accepted](d.t, text)
	if want := "/orders/" + a.OrderID; header.Get("Location") != want {
		d.t.Errorf("Location %q, want %q", header.Get("Location"), want)
	}
	return a.OrderID
}

func TestAPlacedOrderIsShown(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	status, _, text := d.call("GET", "/orders/"+id, "")
	got := read[details](t, text)
	want := details{
		summary:  summary{OrderID: id, CustomerID: "c-1", Status: Pending, Total: 1000, Currency: "EUR", PlacedAt: got.PlacedAt},
		Lines:    []events.OrderLine{{SKU: "tea", Quantity: 2, UnitPrice: 450}, {SKU: "cup", Quantity: 1, UnitPrice: 100}},
		Progress: []Step{{Event: "OrderPlaced", At: got.PlacedAt}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(details{})); status != 200 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	eventually(t, "OrderPlaced is published", func() bool { return len(d.published()) == 1 })
}

func TestAnOrderGoesItsWay(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	d.deliver(events.StockReserved{OrderID: id})
	d.deliver(events.PaymentProcessed{OrderID: id, PaymentID: "p", Amount: 1000, Currency: "EUR"})
	d.deliver(events.ShipmentCreated{OrderID: id, ShipmentID: "s", TrackingNumber: "T"})
	if o := d.ended(id); o.Status != Completed || o.Reason != "" {
		t.Errorf("%+v", o)
	}
	if status, _, text := d.call("POST", "/orders/"+id+"/cancel", ""); status != http.StatusConflict {
		t.Errorf("cancelling a completed order: %d %s", status, text)
	}
	eventually(t, "both events are published", func() bool { return len(d.published()) == 2 })
	if diff := cmp.Diff([]string{"OrderPlaced", "OrderCompleted"}, d.published()); diff != "" {
		t.Error(diff)
	}
}

func TestACancellationIsAskedForOnce(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	for range 2 {
		status, _, text := d.call("POST", "/orders/"+id+"/cancel", "")
		if want := fmt.Sprintf(`{"orderId":%q,"status":"cancelling"}`, id); status != http.StatusAccepted || text != want {
			t.Errorf("%d %s, want %s", status, text, want)
		}
	}
	d.deliver(events.PaymentFailed{OrderID: id, PaymentID: "p", Reason: events.ReasonCustomer})
	d.deliver(events.StockReleased{OrderID: id, Reason: events.ReasonCustomer})
	if o := d.ended(id); o.Status != Cancelled || o.Reason != events.ReasonCustomer {
		t.Errorf("%+v", o)
	}
	eventually(t, "three events are published", func() bool { return len(d.published()) == 3 })
	if diff := cmp.Diff([]string{"OrderPlaced", "CancellationRequested", "OrderCancelled"}, d.published()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatNobodyPlacedIsNotFound(t *testing.T) {
	d := openDesk(t)
	save(t, d.db, pendingOrder("\x00")) // not every database could hold it
	for _, id := range []string{"nope", "%00", "a%2Fb", "%ff", strings.Repeat("x", 300), "4bad6592-c2e9-5303-8752-580a5a28a2da"} {
		for _, request := range [][2]string{{"GET", "/orders/" + id}, {"GET", "/orders/" + id + "?wait=30s"}, {"GET", "/orders/" + id + "/events"}, {"POST", "/orders/" + id + "/cancel"}} {
			if status, _, text := d.call(request[0], request[1], ""); status != http.StatusNotFound {
				t.Errorf("%s %s: %d %s", request[0], request[1], status, text)
			}
		}
	}
}

func TestAnExternalOrderIsShownWithWhatIsKnown(t *testing.T) {
	d := openDesk(t)
	d.deliver(events.StockRejected{OrderID: "their order/7", Reason: events.ReasonOutOfStock})
	eventually(t, "the order is known", func() bool { return d.count(`SELECT count(*) FROM orders`) == 1 })
	o := d.ended("their%20order%2F7")
	if o.OrderID != "their order/7" || !o.External || o.Status != Cancelled || o.CustomerID != "" {
		t.Errorf("%+v", o)
	}
}

func TestTheTenantAndTheTraceGoOutWithTheEvents(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	d := openDesk(t)
	id := d.take(order, "X-Tenant-ID", "acme", "traceparent", trace)
	if status, _, text := d.call("POST", "/orders/"+id+"/cancel", "", "traceparent", "nonsense"); status != http.StatusAccepted {
		t.Fatal(text)
	}
	eventually(t, "both events are published", func() bool { return len(d.published()) == 2 })
	for i, want := range []map[string]string{{"ce_tenant": "acme", "traceparent": trace}, {"ce_tenant": "acme", "traceparent": ""}} {
		got := map[string]string{"ce_tenant": "", "traceparent": ""}
		for _, h := range d.log.Records()[i].Headers {
			if _, asked := got[h.Name]; asked {
				got[h.Name] = h.Value
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestAListingIsPaged(t *testing.T) {
	d := openDesk(t)
	var want []string
	for range 3 {
		want = append([]string{d.take(order)}, want...)
	}
	d.take(strings.Replace(order, "c-1", "c-2", 1))
	var got []string
	path := "/orders?customerId=c-1&status=pending&limit=2&after="
	for next := "first"; next != ""; {
		_, _, text := d.call("GET", path, "")
		p := read[page](t, text)
		for _, o := range p.Orders {
			got = append(got, o.OrderID)
		}
		next = p.Next
		path = "/orders?customerId=c-1&status=pending&limit=2&after=" + next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
	if _, _, text := d.call("GET", "/orders?status=completed", ""); strings.TrimSpace(text) != `{"orders":[]}` {
		t.Errorf("no completed orders: %s", text)
	}
}

func TestTheDocumentKnowsEveryRoute(t *testing.T) {
	d := openDesk(t)
	for _, p := range web.CheckRoutes(d.api.Spec, d.api.Routes()) {
		t.Error(p)
	}
	resp, err := http.Get(d.url + "/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}

func TestARepeatedRequestGetsTheSameAnswer(t *testing.T) {
	d := openDesk(t)
	_, header, first := d.call("POST", "/orders", order, "Idempotency-Key", "k")
	id := read[Accepted](t, first).OrderID
	same := func(when, body string) {
		t.Helper()
		status, h, text := d.call("POST", "/orders", body, "Idempotency-Key", "k")
		if status != http.StatusAccepted || text != first || h.Get("Location") != header.Get("Location") {
			t.Errorf("%s: %d %s at %s, want 202 %s at %s", when, status, text, h.Get("Location"), first, header.Get("Location"))
		}
	}
	same("at once", order)
	same("spelled otherwise", strings.NewReplacer(`"email":"ada@example.com",`, "", `"customerId":`, ` "email" : "ada@example.com", "customerId":`).Replace(order))
	d.deliver(events.StockRejected{OrderID: id, Reason: events.ReasonOutOfStock})
	d.ended(id)
	same("after the order has ended", order)
	d.restart()
	same("after a restart", order)

	status, _, text := d.call("POST", "/orders", strings.Replace(order, "c-1", "c-2", 1), "Idempotency-Key", "k")
	if p := read[web.Problem](t, text); status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Field != "Idempotency-Key" {
		t.Errorf("another request with the same key: %d %s", status, text)
	}
	if n := d.count(`SELECT count(*) FROM orders`); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
}

func TestAnOrderWithoutCurrencyIsOneInDollars(t *testing.T) {
	d := openDesk(t)
	a := d.take(strings.Replace(order, `"currency":"EUR",`, ``, 1), "Idempotency-Key", "k")
	b := d.take(strings.Replace(order, `EUR`, `USD`, 1), "Idempotency-Key", "k")
	if a != b {
		t.Errorf("two orders, %s and %s", a, b)
	}
	if _, _, text := d.call("GET", "/orders/"+a, ""); read[details](t, text).Currency != "USD" {
		t.Error(text)
	}
}

func TestAKeyBelongsToATenant(t *testing.T) {
	d := openDesk(t)
	found := map[string]bool{}
	for _, headers := range [][]string{
		{"Idempotency-Key", "b/c"}, {"Idempotency-Key", "b/c", "X-Tenant-ID", "a"}, {"Idempotency-Key", "c", "X-Tenant-ID", "b"}, {"Idempotency-Key", "c"}, {}, {},
	} {
		found[d.take(order, headers...)] = true
	}
	if len(found) != 6 {
		t.Errorf("%d orders, want 6", len(found))
	}
	if a, b := d.take(order, "Idempotency-Key", "b/c"), d.take(order, "Idempotency-Key", "b/c", "X-Tenant-ID", "default"); a != b {
		t.Error("no tenant and the default tenant are two")
	}
}

func TestFiftyAtOnceWithOneKeyPlaceOneOrder(t *testing.T) {
	d := openDesk(t)
	answers := make([]string, 50)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			status, header, text, err := d.try("POST", "/orders", order, "Idempotency-Key", "k")
			if status != http.StatusAccepted || err != nil {
				t.Errorf("%d %s %v", status, text, err)
			}
			answers[i] = header.Get("Location") + " " + text
		})
	}
	all.Wait()
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("answers differ: %s, %s", a, answers[0])
		}
	}
	d.restart() // publishes what is left
	eventually(t, "the outbox is empty", func() bool { return d.count(`SELECT count(*) FROM outbox`) == 0 })
	if got := d.published(); len(got) != 1 || d.count(`SELECT count(*) FROM orders`) != 1 {
		t.Errorf("published %v", got)
	}
}

func TestFullOutboxRefusesWritesButNotReads(t *testing.T) {
	d := openDesk(t)
	d.log.Fail(func(string) error { return errors.New("broker is away") })
	d.bound = 0
	d.restart()
	kept := d.take(order)
	for _, path := range []string{"/orders", "/orders/" + kept + "/cancel"} {
		// The bound is a soft one: while the outbox is read again after a
		// failure, its size is not known and a command may slip in.
		eventually(t, "a write is refused", func() bool {
			status, header, text := d.call("POST", path, order)
			if status == http.StatusServiceUnavailable && (header.Get("Retry-After") != "1" || !strings.Contains(text, "Nothing has happened")) {
				t.Errorf("%s: %v %s", path, header, text)
			}
			return status == http.StatusServiceUnavailable
		})
	}
	if status, _, text := d.call("GET", "/orders/"+kept, ""); status != http.StatusOK {
		t.Errorf("reading is not writing: %d %s", status, text)
	}
	d.log.Fail(nil)
	eventually(t, "commands are taken again", func() bool {
		status, _, _ := d.call("POST", "/orders/"+kept+"/cancel", "")
		return status == http.StatusAccepted
	})
}

func TestRetryAfterUnknownCommitPlacesOneOrder(t *testing.T) {
	for name, faults := range map[string]func(func() error) store.Faults{
		"it was committed":     func(f func() error) store.Faults { return store.Faults{AfterCommit: f} },
		"it was not committed": func(f func() error) store.Faults { return store.Faults{BeforeCommit: f} },
	} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t)
			var failed atomic.Bool
			d.db.SetFaults(faults(func() error {
				if failed.Swap(true) {
					return nil
				}
				return errors.New("connection lost")
			}))
			status, header, text := d.call("POST", "/orders", order, "Idempotency-Key", "k")
			if status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" || !strings.Contains(text, "same Idempotency-Key") {
				t.Fatalf("%d %v %s", status, header, text)
			}
			d.take(order, "Idempotency-Key", "k")
			if n := d.count(`SELECT count(*) FROM orders`); n != 1 {
				t.Errorf("%d orders, want 1", n)
			}
		})
	}
}

func TestAnOrderOfUnknownOutcomeIsWhereItIsSaid(t *testing.T) {
	d := openDesk(t)
	var failed atomic.Bool
	d.db.SetFaults(store.Faults{AfterCommit: func() error {
		if failed.Swap(true) {
			return nil
		}
		return errors.New("connection lost")
	}})
	status, _, text := d.call("POST", "/orders", order)
	var id string
	if err := d.db.Read().QueryRowContext(t.Context(), `SELECT id FROM orders`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "/orders/"+id+":") {
		t.Errorf("%d %s does not say where %s is", status, text, id)
	}
}

func TestReadingIsRefusedWhileTheDatabaseIsAway(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	tx, err := d.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Exec(t.Context(), `ALTER TABLE orders RENAME TO orders_away`); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/orders", "/orders/" + id, "/orders/" + id + "?wait=1s", "/orders/" + id + "/events"} {
		if status, header, text := d.call("GET", path, ""); status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" || strings.Contains(text, "sql") {
			t.Errorf("%s: %d %v %s", path, status, header, text)
		}
	}
}
