package payment

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas/events"
)

func open(t *testing.T) *store.DB { return flowtest.OpenDB(t, Migrations) }

func put(t *testing.T, db *store.DB, payments ...Payment) error {
	t.Helper()
	states := map[string]Payment{}
	for _, p := range payments {
		states[p.OrderID] = p
	}
	return flowtest.Save(t, db, Store, states)
}

var known = Payment{
	OrderID: "o-1", ID: "p-1", Status: Refunding, Due: 1200, Currency: "EUR", Token: `tok_'";--é`,
	Placed: true, Held: true, CancelRequested: true, Reason: events.ReasonCarrierRefused,
}

func TestPaymentIsReadAsItWasWritten(t *testing.T) {
	db := open(t)
	if err := put(t, db, known); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Payment{"o-1": known, "never seen": {}}, flowtest.Load(t, db, Store, "never seen", "o-1")); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
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
