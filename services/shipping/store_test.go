package shipping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas/events"
)

func open(t *testing.T) *store.DB { return flowtest.OpenDB(t, Migrations) }

func put(t *testing.T, db *store.DB, shipments ...Shipment) error {
	t.Helper()
	states := map[string]Shipment{}
	for _, s := range shipments {
		states[s.OrderID] = s
	}
	return flowtest.Save(t, db, Store, states)
}

var known = Shipment{
	OrderID: "o-1", ID: "s-1", Status: Booked, TrackingNumber: "QT1",
	Address: &events.Address{Name: `Ada '";--é`, Line1: "Main St 1", Line2: new("2nd floor"), City: "Bonn", Postcode: "53111", Country: "DE"},
	Lines:   []events.OrderLine{{SKU: "tea", Quantity: 2, UnitPrice: 600}, {SKU: "cup", Quantity: 1, UnitPrice: 1}},
	Placed:  true, Paid: true, CancelRequested: true, Reason: events.ReasonCarrierUnavailable,
}

func TestShipmentIsReadAsItWasWritten(t *testing.T) {
	db := open(t)
	if err := put(t, db, known); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Shipment{"o-1": known, "never seen": {}}, flowtest.Load(t, db, Store, "never seen", "o-1")); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
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
