package order

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas/events"
)

func openStore(t *testing.T) *store.DB { return flowtest.OpenDB(t, Migrations) }

// save writes orders as a batch does.
func save(t *testing.T, db *store.DB, all ...Order) {
	t.Helper()
	states := map[string]Order{}
	for _, o := range all {
		states[o.ID] = o
	}
	if err := flowtest.Save(t, db, Store, states); err != nil {
		t.Fatal(err)
	}
}

var noon = time.Date(2026, 1, 12, 12, 0, 0, 123456000, time.UTC)

func pendingOrder(id string) Order {
	return Order{
		ID: id, CustomerID: "c-1", Status: Pending, Total: 900, Currency: "EUR", Lines: lines,
		Progress: []Step{{Event: "OrderPlaced", At: noon}}, PlacedAt: noon,
	}
}

func TestAnOrderIsReadAsItWasSaved(t *testing.T) {
	db := openStore(t)
	want := []Order{
		pendingOrder("o-1"),
		{
			ID: "o-2", Status: Cancelled, Reason: events.ReasonOutOfStock, External: true, PlacedAt: noon,
			Progress: []Step{{Event: "StockRejected", At: noon, Why: events.ReasonOutOfStock}, {Event: "OrderCancelled", At: noon, Why: events.ReasonOutOfStock}},
		},
	}
	save(t, db, want...)
	for _, w := range want {
		got, err := orders.Find(t.Context(), db.Read(), `id = ?`, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	}
}

func TestWhatWasOrderedNeverChanges(t *testing.T) {
	db := openStore(t)
	o := pendingOrder("o-1")
	save(t, db, o)
	changed := o.step("OrderCompleted", noon.Add(time.Second), "")
	changed.Status, changed.Total, changed.CustomerID, changed.Lines = Completed, 1, "c-2", nil
	save(t, db, changed)
	got, err := orders.Find(t.Context(), db.Read(), `id = ?`, "o-1")
	if err != nil {
		t.Fatal(err)
	}
	want := o
	want.Status, want.Progress = Completed, changed.Progress
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestANewStatusThatNobodyKnowsIsRefused(t *testing.T) {
	o := pendingOrder("o-1")
	o.Status = "lost"
	if err := flowtest.Save(t, openStore(t), Store, map[string]Order{o.ID: o}); err == nil || store.Transient(err) {
		t.Errorf("saved with status %q: %v", o.Status, err)
	}
}

// ids lists what a walk through all pages finds.
func (d *desk) ids(query string, limit int) (found []string) {
	d.t.Helper()
	after := ""
	for range 100 {
		_, _, text := d.call("GET", fmt.Sprintf("/orders?limit=%d&after=%s%s", limit, after, query), "")
		p := read[page](d.t, text)
		if len(p.Orders) > limit {
			d.t.Fatalf("page of %d, limit %d", len(p.Orders), limit)
		}
		for _, o := range p.Orders {
			found = append(found, o.OrderID)
		}
		if after = p.Next; after == "" {
			return found
		}
	}
	d.t.Fatal("the listing does not end")
	return nil
}

func TestAListingIsNewestFirstAndItsPagesMeet(t *testing.T) {
	d := openDesk(t)
	for i := range 7 {
		o := pendingOrder(fmt.Sprintf("o-%d", i))
		o.PlacedAt = noon.Add(time.Duration(i/3) * time.Microsecond) // three of each time: ids decide
		o.CustomerID = []string{"c-0", "c-1"}[i%2]
		if i > 3 {
			o.Status = Completed
		}
		save(t, d.db, o)
	}
	for query, want := range map[string]string{
		"":                               "o-6 o-5 o-4 o-3 o-2 o-1 o-0",
		"&customerId=c-1":                "o-5 o-3 o-1",
		"&status=completed":              "o-6 o-5 o-4",
		"&customerId=c-1&status=pending": "o-3 o-1",
		"&customerId=c-9":                "",
	} {
		for _, limit := range []int{1, 2, 3, 7, 50} {
			if got := strings.Join(d.ids(query, limit), " "); got != want {
				t.Errorf("%s, %d a page: got %s, want %s", query, limit, got, want)
			}
		}
	}
}

func TestNewOrderDoesNotShiftLaterPages(t *testing.T) {
	d := openDesk(t)
	for i, id := range []string{"o-1", "o-2"} {
		o := pendingOrder(id)
		o.PlacedAt = noon.Add(time.Duration(i) * time.Second)
		save(t, d.db, o)
	}
	_, _, text := d.call("GET", "/orders?limit=1", "")
	third := pendingOrder("o-3")
	third.PlacedAt = noon.Add(2 * time.Second)
	save(t, d.db, third)
	_, _, text = d.call("GET", "/orders?limit=1&after="+read[page](t, text).Next, "")
	if p := read[page](t, text); len(p.Orders) != 1 || p.Orders[0].OrderID != "o-1" {
		t.Errorf("the second page is %+v, want o-1", p)
	}
}

func TestAListingUsesAnIndex(t *testing.T) {
	db := openStore(t)
	for name, query := range map[string]string{
		"orders_by_time":     `SELECT * FROM orders WHERE (placed_at, id) < (1, 'o') ORDER BY placed_at DESC, id DESC LIMIT 51`,
		"orders_by_customer": `SELECT * FROM orders WHERE customer_id = 'c' AND (placed_at, id) < (1, 'o') ORDER BY placed_at DESC, id DESC LIMIT 51`,
		"orders_by_status":   `SELECT * FROM orders WHERE status = 'pending' AND (placed_at, id) < (1, 'o') ORDER BY placed_at DESC, id DESC LIMIT 51`,
	} {
		rows, err := db.Read().QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var a, b, c int
			var detail string
			if err := rows.Scan(&a, &b, &c, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(plan, "; "); !strings.Contains(text, name) || strings.Contains(text, "TEMP B-TREE") {
			t.Errorf("plan of the listing %s: %s", name, text)
		}
	}
}

func TestAForgedCursorIsRefused(t *testing.T) {
	d := openDesk(t)
	for _, s := range []string{"x", "%25", "MTIz", "W10", web.Cursor(1), web.Cursor("o", 1), web.Cursor(1, "o", 2)} {
		if status, _, text := d.call("GET", "/orders?after="+s, ""); status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", s, status, text)
		}
	}
}
