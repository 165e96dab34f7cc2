package explore

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var single = Scope{Name: "one", Orders: 1, Stock: 1, May: Ordinary}

func TestAScheduleIsPlayedStepByStep(t *testing.T) {
	s, err := ParseSchedule("one: place; inventory<OrderPlaced; payment<OrderPlaced; payment<StockReserved; Charge~sent; cancel; Charge=declined; Charge~arrives:declined")
	if err != nil {
		t.Fatal(err)
	}
	story, err := Replay(Production(), single, s)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	story.Print(&b)
	last := b.String()[strings.Index(b.String(), "  7. "):]
	want := `  7. The payment service calls Charge; the answer is declined; it emits PaymentFailed (declined).   (Charge=declined)
       order cancelling (customer) · inventory reserved · payment failed · shipping waiting · email nothing yet
       provider declined · carrier nothing yet · mails accepted 0 · stock 0 on hand, 1 reserved, 0 shipped of 1
       running: Deadline · on its way: Charge
  8. The payment service's unanswered attempt of Charge arrives late, and the answer, declined, is lost.   (Charge~arrives:declined)
       order cancelling (customer) · inventory reserved · payment failed · shipping waiting · email nothing yet
       provider declined · carrier nothing yet · mails accepted 0 · stock 0 on hand, 1 reserved, 0 shipped of 1
       running: Deadline
     No property is violated so far. Possible next: ` + strings.Join(story.Possible, "; ") + `
`
	if len(story.Possible) == 0 {
		t.Error("nothing can come next")
	}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
	wantDiagram := `    customer->>order: PlaceOrder
    Note over order: pending
    order-->>inventory: OrderPlaced
    Note over inventory: reserved
    order-->>payment: OrderPlaced
    inventory-->>payment: StockReserved
    Note over payment: charging
    payment->>provider: Charge
    customer->>order: CancelOrder
    Note over order: cancelling (customer)
    payment->>provider: Charge: declined
    Note over payment: failed
    payment->>provider: Charge (late): declined
`
	if !strings.Contains(story.Mermaid(), wantDiagram) {
		t.Errorf("the diagram is\n%s", story.Mermaid())
	}
}

func TestAScheduleThatDoesNotFitSaysWhere(t *testing.T) {
	_, err := Replay(Production(), single, Schedule{Scope: "one", Steps: []string{"place", "payment<StockReserved"}})
	want := `step 2, "payment<StockReserved", is not possible; possible are: cancel; deadline; inventory<OrderPlaced; payment<OrderPlaced; shipping<OrderPlaced; email<OrderPlaced`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v", err)
	}
}

func TestUnknownStepErrorNamesTheNearestStep(t *testing.T) {
	_, err := Replay(Production(), single, Schedule{Scope: "one", Steps: []string{"place", "payment<OrdrPlaced"}})
	want := `step 2: no step is called "payment<OrdrPlaced"; at this point these are possible: payment<OrderPlaced; `
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is %v", err)
	}
}

// A name that some step has is not taken for a mistyped one.
func TestEveryStepIsCalledAsStepsAreCalled(t *testing.T) {
	torn, stale := Production(), Production()
	torn.Kit.Atomic, torn.Kit.Positions, torn.Kit.Outbox, stale.Kit.Fresh, stale.Kit.Inbox, stale.Outside.Carrier.Settles = false, false, false, false, false, false
	for _, c := range []struct {
		sys   System
		scope Scope
	}{
		{Production(), one("late", Cancels|Deadlines|Declines|Delivery|Twice)}, {Production(), collected}, {Production(), crashLost},
		{Production(), one("mailed", Mails|MailFails|Crashes)}, {Production(), Scope{Orders: 2, Stock: 1}},
		{torn, Scope{Orders: 1, Whole: true}}, {stale, Scope{Orders: 1, Whole: true, May: Duplicates}},
	} {
		g := explored(t, c.sys, c.scope).graph
		seen := map[string]bool{}
		for n := range g.visited() {
			if g.visited() > 10_000 && n%9 != 0 {
				continue // no step is in a few states only
			}
			for _, s := range g.m.successors(g.world(n)) {
				if name := g.m.stepName(s); !seen[name] {
					if seen[name] = true; !g.m.isStep(name) {
						t.Errorf("there is a step %q, and it is taken for none", name)
					}
				}
			}
		}
		if len(seen) < 10 {
			t.Errorf("there are only %d steps", len(seen))
		}
	}
	if g := newGraph(newModel(Production(), single)); g.m.isStep("plaze") || g.m.isStep("order<OrderPlaced") || g.m.isStep("Charge=") {
		t.Error("what is no step is taken for one")
	}
}

func TestAScheduleIsReadAsItIsWritten(t *testing.T) {
	s := Schedule{Scope: "two-orders", Steps: []string{"1.place", "2.crash payment", "1.Charge~arrives:captured", "2.SendMail(order_placed)=unknown-but-accepted"}}
	got, err := ParseSchedule(s.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ParseSchedule("place;cancel"); err == nil {
		t.Error("a schedule without a scope was read")
	}
}
