package explore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/schemas/events"
)

// Email is explored by itself for the histories; together with the other four
// it tells the same.
func TestTheHistoriesAreThoseOfAllServicesTogether(t *testing.T) {
	may := Cancels | Declines | GivesUp | Mails | MailFails
	k, err := histories(t.Context(), Production(), may)
	if err != nil {
		t.Fatal(err)
	}
	all := &Known{histories: map[string]history{}}
	for _, foreign := range []bool{false, true} {
		r := explored(t, Production(), Scope{Orders: 1, Stock: 1, May: may, Foreign: foreign, Whole: true, open: true})
		for _, events := range r.Histories() {
			h, err := historyOf(events)
			if err != nil {
				t.Fatal(err)
			}
			all.histories[h.key()] = h
		}
	}
	if diff := cmp.Diff(all.All(), k.All()); diff != "" {
		t.Errorf("(-together +email by itself)\n%s", diff)
	}
}

// What is left out of the histories tells nothing else: an attempt without an
// answer, a crash, a delivery to the shelf, an order that is published twice.
func TestLargerScopesAddNoHistories(t *testing.T) {
	known, err := Histories(t.Context(), Production())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		may    Choice
		states int
	}{
		{"unanswered attempts", Ordinary, 210_000},
		{"crashes and deliveries", Ordinary | Crashes | Delivery, 230_000},
		{"an order published twice", Ordinary | Twice, 2_200_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			affordable(t, c.states)
			larger, err := histories(t.Context(), Production(), c.may)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(known.All(), withoutSecond(t, larger).All()); diff != "" {
				t.Errorf("(-smaller +larger)\n%s", diff)
			}
		})
	}
}

// withoutSecond leaves out the OrderPlaced that comes when there is one already:
// who reads the topics does so, too.
func withoutSecond(t *testing.T, k *Known) *Known {
	t.Helper()
	once := &Known{histories: map[string]history{}}
	for _, h := range k.histories {
		placed := 0
		h[ofOrder] = slices.DeleteFunc(slices.Clone(h[ofOrder]), func(e Emitted) bool {
			if e.Type == (events.OrderPlaced{}).EventType() {
				placed++
			}
			return e.Type == (events.OrderPlaced{}).EventType() && placed > 1
		})
		once.histories[h.key()] = h
	}
	return once
}

func TestUnknownHistoryIsComparedToTheNearest(t *testing.T) {
	k, err := Histories(t.Context(), Production())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d histories", k.Len())
	for _, h := range k.All() {
		if err := k.Explain(h); err != nil {
			t.Fatal(err)
		}
	}
	placed, reserved := events.OrderPlaced{}.EventType(), events.StockReserved{}.EventType()
	processed, created := events.PaymentProcessed{}.EventType(), events.ShipmentCreated{}.EventType()
	completed, sent := events.OrderCompleted{}.EventType(), events.NotificationSent{}.EventType()
	good := []Emitted{
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
		bad     []Emitted
		nearest string // what it tells of who told something else
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
	if err := k.Explain([]Emitted{{Owner: "warehouse"}}); !errors.Is(err, ErrUnexplained) {
		t.Errorf("an owner of no service: %v", err)
	}
}
