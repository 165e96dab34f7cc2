package history

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/schemas/events"
)

func TestUnknownHistoryIsComparedToTheNearest(t *testing.T) {
	k, err := All()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d histories", k.Len())
	for _, h := range k.List() {
		if err := k.Explain(h); err != nil {
			t.Fatal(err)
		}
	}
	placed, reserved := events.OrderPlaced{}.EventType(), events.StockReserved{}.EventType()
	processed, created := events.PaymentProcessed{}.EventType(), events.ShipmentCreated{}.EventType()
	completed, sent := events.OrderCompleted{}.EventType(), events.NotificationSent{}.EventType()
	good := []Event{
		{"order", placed, "", ""},
		{"inventory", reserved, "", placed},
		{"payment", processed, "", reserved},
		{"email", sent, "order_placed", placed},
		{"shipping", created, "", processed},
		{"order", completed, "", created},
		{"email", sent, "order_completed", completed},
	}
	if err := k.Explain(good); err != nil {
		t.Errorf("the best of histories: %v", err)
	}
	swapped := slices.Clone(good) // the mail of the end before the first one
	swapped[3], swapped[6] = swapped[6], swapped[3]
	forSomething := slices.Clone(good) // a reason where there is none
	forSomething[5].Reason = "customer"
	for _, c := range []struct {
		name    string
		bad     []Event
		nearest string // a part of the error: the nearest history
	}{
		{"a completed order without its payment", slices.Delete(slices.Clone(good), 2, 3), "payment told nothing; in the nearest history it tells [PaymentProcessed after OrderPlaced]"},
		{"mails in the wrong order", swapped, "in the nearest history it tells [NotificationSent (order_placed) after OrderPlaced, NotificationSent (order_completed) after OrderCompleted]"},
		{"an order that completes for a reason", forSomething, "history: order told [OrderPlaced, OrderCompleted (customer) after ShipmentCreated]; in the nearest history it tells [OrderPlaced, OrderCompleted after ShipmentCreated]"},
		{"a history that is not at rest", good[:3], "nearest"},
	} {
		if err := k.Explain(c.bad); !errors.Is(err, ErrUnexplained) || !strings.Contains(err.Error(), c.nearest) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := k.Explain([]Event{{Owner: "warehouse"}}); !errors.Is(err, ErrUnexplained) {
		t.Errorf("an owner of no service: %v", err)
	}
}

func TestTextOfHistoriesIsReadBack(t *testing.T) {
	k, err := All()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(k.String())
	if err != nil {
		t.Fatal(err)
	}
	if again.String() != k.String() || again.Len() != k.Len() || k.String() != text {
		t.Errorf("%d histories became %d, or the file was not written by String", k.Len(), again.Len())
	}
}

func TestBrokenTextOfHistoriesIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"order\tOrderPlaced\t\t\n":        "no empty line",
		"order\tOrderPlaced\n\n0\n":       "has 2 fields, not 4",
		"order\tOrderPlaced\t\t\n\n0 1\n": `"1" is none of the 1 events`,
		"order\tOrderPlaced\t\t\n\n-1\n":  `"-1" is none of the 1 events`,
		"order\tOrderPlaced\t\t\n\n0\n\n": "has no event",
		"ware\tOrderPlaced\t\t\n\n0\n":    `owned by "ware"`,
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHistoriesOfOtherNamespacesAreUnknown(t *testing.T) {
	k := &Known{}
	if err := k.Add([]Event{{Owner: "order", Type: "quintet.order.OrderPlaced"}}); err != nil {
		t.Fatal(err)
	}
	if k.Explain([]Event{{Owner: "order", Type: "acme.order.OrderPlaced"}}) == nil {
		t.Error("an event of another namespace is taken for ours")
	}
	if none, err := Parse((&Known{}).String()); err != nil || none.Len() != 0 {
		t.Errorf("no history is read back as %d: %v", none.Len(), err)
	}
}
