package bench

import (
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/deploy/sandbox"
	"github.com/quintet-eda/quintet/e2e"
)

// witnessed are the records and the ledger entries of some orders.
type witnessed struct {
	accepted                 []string
	facts                    []e2e.Fact
	charges, bookings, mails []sandbox.Entry
	poison                   int
}

func (w witnessed) problems() []string {
	t := newTally(w.accepted, OfLedgers, w.poison)
	for _, f := range w.facts {
		t.fact(f)
	}
	t.ledgers(w.charges, w.bookings, w.mails)
	return t.problems()
}

// well are the records and ledger entries of one order without a fault.
func well() witnessed {
	w := witnessed{accepted: []string{"o"}}
	for i, name := range []string{"OrderPlaced", "StockReserved", "PaymentProcessed", "ShipmentCreated", "OrderCompleted", "NotificationSent", "NotificationSent"} {
		w.facts = append(w.facts, e2e.Fact{ID: string(rune('a' + i)), Type: "quintet." + name, Topic: "t", Key: "o"})
	}
	w.charges = []sandbox.Entry{{OrderID: "o", Outcome: "captured"}, {OrderID: "o", Outcome: "repeat"}}
	w.bookings = []sandbox.Entry{{OrderID: "o", Outcome: "booked"}}
	w.mails = []sandbox.Entry{{OrderID: "o", Outcome: "accepted", Subject: "placed"}, {OrderID: "o", Outcome: "accepted", Subject: "completed"}}
	return w
}

func TestGoodOrdersAddUp(t *testing.T) {
	w := well()
	w.facts = append(w.facts, w.facts[1]) // delivered twice
	if problems := w.problems(); problems != nil {
		t.Error(problems)
	}
}

func TestEveryFaultIsFound(t *testing.T) {
	for name, harm := range map[string]func(*witnessed){
		"lost order":      func(w *witnessed) { w.accepted = append(w.accepted, "lost") },
		"unknown order":   func(w *witnessed) { w.accepted = nil },
		"another event":   func(w *witnessed) { w.facts = append(w.facts, e2e.Fact{ID: "z", Type: "q.StockReserved", Key: "o"}) },
		"missing event":   func(w *witnessed) { w.facts = w.facts[1:] },
		"a cancellation":  func(w *witnessed) { w.facts = append(w.facts, e2e.Fact{ID: "z", Type: "q.OrderCancelled", Key: "o"}) },
		"unreadable":      func(w *witnessed) { w.facts[0].Unreadable = "no schema" },
		"dead letter":     func(w *witnessed) { w.facts[0].Dead = &e2e.DeadLetter{} },
		"charged twice":   func(w *witnessed) { w.charges = append(w.charges, w.charges[0]) },
		"not charged":     func(w *witnessed) { w.charges = nil },
		"booked twice":    func(w *witnessed) { w.bookings = append(w.bookings, w.bookings[0]) },
		"mail lost":       func(w *witnessed) { w.mails = w.mails[1:] },
		"mail sent twice": func(w *witnessed) { w.mails[1].Subject = "placed" },
	} {
		w := well()
		harm(&w)
		if w.problems() == nil {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestAVerdictShowsAFewProblems(t *testing.T) {
	err := verdict(strings.Fields("a b c d e f g"))
	if err == nil || !strings.Contains(err.Error(), "7 problems") || strings.Contains(err.Error(), "f") && strings.Contains(err.Error(), `"f"`) {
		t.Error(err)
	}
}

func TestPoisonMustBeGivenUpByAllWhoReadIt(t *testing.T) {
	poisoned := func(services ...string) witnessed {
		w := well()
		w.poison = 1
		w.facts = append(w.facts, e2e.Fact{ID: "p", Key: poisonKey + "1", Topic: "order.events", Unreadable: "no Avro"})
		for _, service := range services {
			w.facts = append(w.facts, e2e.Fact{Key: poisonKey + "1", Topic: service + ".dead-letter", Dead: &e2e.DeadLetter{Service: service}})
		}
		return w
	}
	if problems := poisoned("payment", "email", "shipping", "inventory", "email").problems(); problems != nil {
		t.Error(problems)
	}
	for _, w := range []witnessed{poisoned(), poisoned("payment", "email", "shipping")} {
		if w.problems() == nil {
			t.Errorf("a lost letter is not found: %v", w.facts)
		}
	}
}
