package order

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas/events"
)

func openStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "order.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context(), "order", Migrations()); err != nil {
		t.Fatal(err)
	}
	return db
}

// save writes orders as a batch does.
func save(t *testing.T, db *store.DB, orders ...Order) {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inputs := make([]*flow.Input, len(orders))
	for i, o := range orders {
		inputs[i] = &flow.Input{Key: o.ID}
	}
	unit, err := Store().Load(t.Context(), tx, inputs)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range orders {
		unit.Absorb(inputs[i], o)
	}
	if err := unit.Save(tx); err != nil {
		tx.Rollback(err)
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
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
		got, err := find(t.Context(), db.Read(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	}
	if _, err := find(t.Context(), db.Read(), "o-3"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an order that nobody placed: %v", err)
	}
}

func TestWhatWasOrderedNeverChanges(t *testing.T) {
	db := openStore(t)
	o := pendingOrder("o-1")
	save(t, db, o)
	changed := o.step("OrderCompleted", noon.Add(time.Second), "")
	changed.Status, changed.Total, changed.CustomerID, changed.Lines = Completed, 1, "c-2", nil
	save(t, db, changed)
	got, err := find(t.Context(), db.Read(), "o-1")
	if err != nil {
		t.Fatal(err)
	}
	want := o
	want.Status, want.Progress = Completed, changed.Progress
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestABatchTakesFewStatements(t *testing.T) {
	for _, n := range []int{1, 500} {
		db := openStore(t)
		var orders []Order
		for i := range n {
			orders = append(orders, pendingOrder(fmt.Sprintf("o-%d", i)))
		}
		statements := 0
		db.CountStatements(func(string) { statements++ })
		save(t, db, orders...)
		if statements > 8 {
			t.Errorf("%d orders took %d statements", n, statements)
		}
	}
}

func TestANewStatusThatNobodyKnowsIsRefused(t *testing.T) {
	db := openStore(t)
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := pendingOrder("o-1")
	o.Status = "lost"
	if err := upsertOrders(tx, nil, []Order{o}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err == nil || store.Transient(err) {
		t.Errorf("saved with status %q: %v", o.Status, err)
	}
}

// ids lists what a walk through all pages finds.
func ids(ctx context.Context, t *testing.T, db *store.DB, l listing) (found []string) {
	t.Helper()
	for range 100 {
		page, next, err := list(ctx, db.Read(), l)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > l.limit {
			t.Fatalf("page of %d, limit %d", len(page), l.limit)
		}
		for _, o := range page {
			found = append(found, o.ID)
		}
		if next == nil {
			return found
		}
		if l.after, err = parseCursor(next.String()); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the listing does not end")
	return nil
}

func TestAListingIsNewestFirstAndItsPagesMeet(t *testing.T) {
	db := openStore(t)
	var orders []Order
	for i := range 7 {
		o := pendingOrder(fmt.Sprintf("o-%d", i))
		o.PlacedAt = noon.Add(time.Duration(i/3) * time.Microsecond) // three of each time: ids decide
		o.CustomerID = []string{"c-0", "c-1"}[i%2]
		if i > 3 {
			o.Status = Completed
		}
		orders = append(orders, o)
	}
	save(t, db, orders...)
	for name, tt := range map[string]struct {
		listing
		want string
	}{
		"all":                       {listing{}, "o-6 o-5 o-4 o-3 o-2 o-1 o-0"},
		"of a customer":             {listing{customerID: "c-1"}, "o-5 o-3 o-1"},
		"in a status":               {listing{status: Completed}, "o-6 o-5 o-4"},
		"of a customer in a status": {listing{customerID: "c-1", status: Pending}, "o-3 o-1"},
		"of nobody":                 {listing{customerID: "c-9"}, ""},
	} {
		for _, limit := range []int{1, 2, 3, 7, 50} {
			tt.limit = limit
			if got := strings.Join(ids(t.Context(), t, db, tt.listing), " "); got != tt.want {
				t.Errorf("%s, %d a page: got %s, want %s", name, limit, got, tt.want)
			}
		}
	}
}

func TestAnOrderPlacedMeanwhileDoesNotShiftThePages(t *testing.T) {
	db := openStore(t)
	first := pendingOrder("o-1")
	second := pendingOrder("o-2")
	second.PlacedAt = noon.Add(time.Second)
	save(t, db, first, second)
	_, next, err := list(t.Context(), db.Read(), listing{limit: 1})
	if err != nil || next == nil {
		t.Fatal(next, err)
	}
	third := pendingOrder("o-3")
	third.PlacedAt = noon.Add(2 * time.Second)
	save(t, db, third)
	if got := ids(t.Context(), t, db, listing{limit: 1, after: *next}); strings.Join(got, " ") != "o-1" {
		t.Errorf("the second page is %v, want o-1", got)
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
	for _, s := range []string{"x", "%", "MTIz", cursor{placed: 1}.String(), "IG8tMQ", "YWJjIG8tMQ"} {
		if c, err := parseCursor(s); err == nil {
			t.Errorf("%q is read as %+v", s, c)
		}
	}
}
