package explore

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

func TestTheProtocolHoldsInEveryInterleaving(t *testing.T) {
	states := map[string]int{"quick-one-order": 230_000, "quick-foreign-order": 900_000, "quick-mails": 50_000, "quick-two-orders": 90_000} // of two orders, those of one
	for _, scope := range Quick() {
		t.Run(scope.Name, func(t *testing.T) {
			affordable(t, states[scope.Name])
			r, err := Explore(t.Context(), Production(), scope)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d states, %d ends, %s", r.States, r.Ends, r.Took)
			for _, v := range r.Verdicts {
				if v.Violation != nil {
					t.Errorf("%s\n%s", v.Violation, v.Violation.Schedule)
				} else if !v.Known {
					t.Errorf("%s: not decided", v.Property)
				}
			}
		})
	}
}

// An exploration that visits too little also finds nothing wrong.
func TestOrdersEndInEveryWayThatThereIs(t *testing.T) {
	affordable(t, 230_000)
	r := explored(t, Production(), Scope{Orders: 1, May: Everything &^ (Mails | Twice | Duplicates), Whole: true})
	for _, want := range []string{
		"completed,", "cancelled (customer), stock released, payment failed", "cancelled (customer), stock released, payment refunded",
		"cancelled (deadline), stock released, payment failed", "cancelled (deadline), stock released, payment refunded", "cancelled (out_of_stock)",
		"cancelled (declined)", "cancelled (provider_unavailable), stock released, payment failed, shipment closed, no money taken",
		"cancelled (provider_unavailable), stock released, payment failed, shipment closed, money given back",
		"cancelled (carrier_refused)", "cancelled (carrier_unavailable)",
	} {
		if !slices.ContainsFunc(r.Kinds, func(k Kind) bool { return strings.HasPrefix(k.Name, want) }) {
			t.Errorf("no order ends %q", want)
		}
	}
	if len(r.Kinds) != 11 {
		t.Errorf("there are %d kinds of ends: %v", len(r.Kinds), r.Kinds)
	}
}

func TestWhatTwoOrdersViolateShowsWhenItIsPlayed(t *testing.T) {
	soon, late := Ordinary&^(Mails|Unanswered), Ordinary&^Mails
	for mutant, may := range map[string]Choice{
		"oversell": soon, "stand-down-is-silent": soon, "refund-another-payment": soon, "release-twice": soon,
		"unknown-is-declined": late, "provider-forgets-voids": late,
	} {
		t.Run(mutant, func(t *testing.T) {
			if may == late {
				affordable(t, 220_000)
			}
			scope := Scope{Name: "two", Orders: 2, Stock: 1, Composed: true, May: may, Whole: true}
			r := explored(t, system(t, mutant), scope)
			if r.Violation == nil {
				t.Fatal("nothing is violated")
			}
			for _, v := range r.Verdicts {
				if v.Violation == nil {
					continue
				}
				story, err := Replay(system(t, mutant), scope, v.Violation.Schedule)
				if err != nil {
					t.Fatalf("%s: %v", v.Violation, err)
				}
				shown := slices.ContainsFunc(story.Wrong, func(wrong string) bool { return strings.HasPrefix(wrong, v.Property+": ") })
				// What holds of the ends of one order is checked as soon as that one
				// rests; what holds of all, and of the way there, with all. A trap
				// shows when there is no order left to do anything.
				if !shown && v.Property != NoTrap {
					t.Errorf("%s: the schedule %s shows only %q", v.Violation, v.Violation.Schedule, story.Wrong)
				}
			}
		})
	}
}

func TestSearchStopsAtShortestCounterexample(t *testing.T) {
	sys := system(t, "stand-down-is-silent")
	r := explored(t, sys, Scope{Name: "one", Orders: 1, Stock: 1, May: Cancels})
	want := "one:place;cancel;inventory<OrderPlaced;order<StockReserved;payment<OrderPlaced;payment<CancellationRequested;payment<StockReserved;shipping<OrderPlaced;shipping<CancellationRequested"
	if diff := cmp.Diff(want, r.Violation.Schedule.String()); diff != "" {
		t.Error(diff)
	}
	if whole := explored(t, sys, Scope{Name: "one", Orders: 1, Stock: 1, May: Cancels, Whole: true}); r.States >= whole.States {
		t.Errorf("%d states were reached, of %d in all", r.States, whole.States)
	}
}

// What a service is shown of an order in which sequence is the one thing in
// which two states may differ and be taken for one.
func TestProgressOrderDoesNotAffectExploration(t *testing.T) {
	t.Run("a little", func(t *testing.T) { sequenceIsNothing(t, Cancels|Refuses) })
	t.Run("more", func(t *testing.T) {
		affordable(t, 580_000)
		sequenceIsNothing(t, Cancels|Deadlines|Declines|Refuses|Unanswered)
	})
}

func sequenceIsNothing(t *testing.T, may Choice) {
	t.Helper()
	scope := Scope{Orders: 1, Stock: 1, May: may, Whole: true}
	merged := explored(t, Production(), scope)
	scope.exact = true
	exact := explored(t, Production(), scope)
	if exact.States <= merged.States {
		t.Fatalf("%d states, and %d when some are taken for one", exact.States, merged.States)
	}
	names := func(r *Result) []string {
		var ns []string
		for _, k := range r.Kinds {
			ns = append(ns, k.Name)
		}
		slices.Sort(ns)
		return ns
	}
	if diff := cmp.Diff(names(exact), names(merged)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(exact.Histories(), merged.Histories()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(verdicts(exact), verdicts(merged)); diff != "" {
		t.Error(diff)
	}
}

func TestAReactionThatIsNoFunctionIsAViolation(t *testing.T) {
	times := 0
	sys := Production()
	sys.Payment = replace(sys.Payment, flow.OnEvent[events.OrderPlaced](func(p payment.Payment, e events.OrderPlaced, out *flow.Out) payment.Payment {
		times++
		p.Due = int64(times)
		return p
	}))
	r := explored(t, sys, Scope{Orders: 1, Stock: 1})
	if r.Violation == nil || !strings.Contains(r.Violation.What, "two results") {
		t.Errorf("found %v", r.Violation)
	}
}

func TestCallsWithoutEndAreAViolation(t *testing.T) {
	sys := Production()
	settle := original[shipping.BookingAnswered](sys.Shipping)
	again := func(s shipping.Shipment, r shipping.BookingAnswered, out *flow.Out) shipping.Shipment {
		if r.Outcome == shipping.Refused {
			out.Call(shipping.Book{ShipmentID: s.ID, OrderID: s.OrderID, Address: s.Address, Lines: s.Lines})
			return s
		}
		return settle(s, r, out)
	}
	sys.Shipping = replace(sys.Shipping, flow.OnResult[shipping.BookingAnswered](again).ResultOf(shipping.Book{}).
		Calls(shipping.Unbook{}, shipping.Book{}).Emits(events.ShipmentCreated{}, events.ShipmentFailed{}))
	r := explored(t, sys, Scope{Orders: 1, Stock: 1, May: Refuses})
	if r.Violation == nil || r.Violation.Property != AllEnd || !strings.Contains(r.Violation.What, "the last step, Book=refused,") {
		t.Errorf("found %v", r.Violation)
	}
}

func TestAReactionThatPanicsIsAViolation(t *testing.T) {
	sys := Production()
	sys.Payment = replace(sys.Payment, flow.OnEvent[events.OrderPlaced](func(payment.Payment, events.OrderPlaced, *flow.Out) payment.Payment { panic("no amount") }))
	r := explored(t, sys, Scope{Orders: 1, Stock: 1})
	if r.Violation == nil || !strings.Contains(r.Violation.What, "no amount") {
		t.Errorf("found %v", r.Violation)
	}
}

func explored(t *testing.T, sys System, scope Scope) *Result {
	t.Helper()
	r, err := Explore(t.Context(), sys, scope)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
