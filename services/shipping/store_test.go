package shipping

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
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "shipping.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context(), "shipping", Migrations()); err != nil {
		t.Fatal(err)
	}
	return db
}

func put(t *testing.T, db *store.DB, shipments ...Shipment) error {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, len(shipments))
	for i, s := range shipments {
		keys[i] = s.OrderID
	}
	if err := save(tx, keys, shipments); err != nil {
		tx.Rollback(err)
		return err
	}
	return tx.Commit(t.Context())
}

func get(t *testing.T, db *store.DB, keys ...string) map[string]Shipment {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(nil)
	shipments, err := load(t.Context(), tx, keys)
	if err != nil {
		t.Fatal(err)
	}
	return shipments
}

var known = Shipment{
	OrderID: "o-1", ID: "s-1", Status: Booked, TrackingNumber: "QT1",
	Address: &events.Address{Name: `Ada '";--é`, Line1: "Main St 1", Line2: new("2nd floor"), City: "Bonn", Postcode: "53111", Country: "DE"},
	Lines:   []events.OrderLine{{SKU: "tea", Quantity: 2, UnitPrice: 600}, {SKU: "cup", Quantity: 1, UnitPrice: 1}},
	Placed:  true, Paid: true, StoodDown: true, Reason: events.ReasonCarrierUnavailable,
}

func TestShipmentIsReadAsItWasWritten(t *testing.T) {
	db := open(t)
	waiting := Shipment{OrderID: "o-2", Paid: true}
	if err := put(t, db, known, waiting); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Shipment{"o-1": known, "o-2": waiting}, get(t, db, "o-2", "never seen", "o-1")); diff != "" {
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
	later := Shipment{OrderID: "o-1", ID: "s-2", Status: Unbooking, Lines: []events.OrderLine{{SKU: "cup", Quantity: 3}}, Placed: true, Paid: true}
	for _, s := range []Shipment{known, later} {
		if err := put(t, db, s); err != nil {
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
	shipments, keys := make([]Shipment, 500), make([]string, 500)
	for i := range shipments {
		shipments[i] = known
		shipments[i].OrderID = fmt.Sprintf("o-%03d", i)
		keys[i] = shipments[i].OrderID
	}
	var statements int
	db.CountStatements(func(string) { statements++ })
	if err := put(t, db, shipments...); err != nil {
		t.Fatal(err)
	}
	if statements > 8 {
		t.Errorf("save took %d statements, want at most 8", statements)
	}
	statements = 0
	if got := len(get(t, db, keys...)); got != 500 || statements != 1 {
		t.Errorf("load read %d shipments in %d statements, want 500 in 1", got, statements)
	}
}

func TestDatabaseRefusesWhatNoShipmentCanBe(t *testing.T) {
	for name, spoil := range map[string]func(*Shipment){
		"unknown status":                   func(s *Shipment) { s.Status = "lost" },
		"booked without a tracking number": func(s *Shipment) { s.TrackingNumber = "" },
		"booking without an address":       func(s *Shipment) { s.Status, s.Placed = Booking, false },
		"booked without a payment":         func(s *Shipment) { s.Paid = false },
		"failed before anything was known": func(s *Shipment) { s.Status, s.Placed, s.Paid = Failed, false, false },
	} {
		t.Run(name, func(t *testing.T) {
			s := known
			spoil(&s)
			err := put(t, open(t), s)
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
		s := known
		s.Status = status
		if err := put(t, db, s); err != nil {
			t.Errorf("%s: %v", status, err)
		}
	}
}
