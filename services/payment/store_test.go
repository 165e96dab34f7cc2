package payment

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas/events"
)

func open(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "payment.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context(), "payment", Migrations()); err != nil {
		t.Fatal(err)
	}
	return db
}

func put(t *testing.T, db *store.DB, payments ...Payment) error {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, len(payments))
	for i, p := range payments {
		keys[i] = p.OrderID
	}
	if err := save(tx, keys, payments); err != nil {
		tx.Rollback(err)
		return err
	}
	return tx.Commit(t.Context())
}

func get(t *testing.T, db *store.DB, keys ...string) map[string]Payment {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(nil)
	payments, err := load(t.Context(), tx, keys)
	if err != nil {
		t.Fatal(err)
	}
	return payments
}

var known = Payment{
	OrderID: "o-1", ID: "p-1", Status: Refunding, Due: 1200, Currency: "EUR", Token: `tok_'";--é`,
	Placed: true, Held: true, StoodDown: true, Reason: events.ReasonCarrierRefused,
}

func TestPaymentIsReadAsItWasWritten(t *testing.T) {
	db := open(t)
	waiting := Payment{OrderID: "o-2", Held: true}
	if err := put(t, db, known, waiting); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Payment{"o-1": known, "o-2": waiting}, get(t, db, "o-2", "never seen", "o-1")); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
	}
	found, err := find(t.Context(), db.Read(), "o-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(known, found); diff != "" {
		t.Errorf("find (-want +got):\n%s", diff)
	}
	if _, err := find(t.Context(), db.Read(), "never seen"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("find of an unknown order: got error %v, want %v", err, sql.ErrNoRows)
	}
}

func TestLaterStateReplacesTheEarlierOneWhole(t *testing.T) {
	db := open(t)
	later := Payment{
		OrderID: "o-1", ID: "p-2", Status: Paid, Due: 7, Currency: "USD", Token: "tok_2", Placed: true, Held: true,
	}
	for _, p := range []Payment{known, later} {
		if err := put(t, db, p); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(later, get(t, db, "o-1")["o-1"]); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
	}
}

// A batch of 500 must not take more statements because it has 500 orders.
func TestBatchOfFiveHundredTakesAtMostEightStatementsEachWay(t *testing.T) {
	db := open(t)
	payments, keys := make([]Payment, 500), make([]string, 500)
	for i := range payments {
		payments[i] = known
		payments[i].OrderID = fmt.Sprintf("o-%03d", i)
		keys[i] = payments[i].OrderID
	}
	var statements int
	db.CountStatements(func(string) { statements++ })
	if err := put(t, db, payments...); err != nil {
		t.Fatal(err)
	}
	if statements > 8 {
		t.Errorf("save took %d statements, want at most 8", statements)
	}
	statements = 0
	if got := len(get(t, db, keys...)); got != 500 || statements != 1 {
		t.Errorf("load read %d payments in %d statements, want 500 in 1", got, statements)
	}
}

func TestDatabaseRefusesWhatNoPaymentCanBe(t *testing.T) {
	for name, spoil := range map[string]func(*Payment){
		"unknown status":                   func(p *Payment) { p.Status = "lost" },
		"negative amount":                  func(p *Payment) { p.Due = -1 },
		"charging without an amount":       func(p *Payment) { p.Status, p.Placed = Charging, false },
		"paid without a reservation":       func(p *Payment) { p.Status, p.Held = Paid, false },
		"failed before anything was known": func(p *Payment) { p.Status, p.Placed, p.Held = Failed, false, false },
	} {
		t.Run(name, func(t *testing.T) {
			p := known
			spoil(&p)
			err := put(t, open(t), p)
			if err == nil || !strings.Contains(err.Error(), "CHECK") {
				t.Fatalf("got error %v, want a broken CHECK", err)
			}
			if store.Transient(err) {
				t.Errorf("%v counts as transient: the batch would be repeated instead of the input parked", err)
			}
		})
	}
}

func TestEveryStatusCanBeStored(t *testing.T) {
	db := open(t)
	for status := range ways() {
		p := known
		p.Status = status
		if err := put(t, db, p); err != nil {
			t.Errorf("%s: %v", status, err)
		}
	}
}
