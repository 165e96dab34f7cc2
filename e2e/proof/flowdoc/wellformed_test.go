package flowdoc_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/e2e/proof/flowdoc"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/order"
)

func TestTheChoreographyIsWellFormed(t *testing.T) {
	begin := time.Now()
	p, err := flowdoc.Study(flowdoc.Production())
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range p.IllFormed() {
		t.Error(sentence)
	}
	t.Logf("%s: %s", time.Since(begin).Round(time.Millisecond), p.Size())
}

// An order can end in four ways, and in each the customer may have asked to
// cancel it, which does not say how it ends.
func TestTheCompleteLogsOfAnOrder(t *testing.T) {
	p, err := flowdoc.Study(flowdoc.Production())
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, end := range []string{
		"StockRejected OrderCancelled",
		"StockReserved PaymentFailed StockReleased OrderCancelled",
		"StockReserved PaymentProcessed ShipmentFailed PaymentRefunded StockReleased OrderCancelled",
		"StockReserved PaymentProcessed ShipmentCreated OrderCompleted",
	} {
		want = append(want, sorted("OrderPlaced "+end), sorted("OrderPlaced CancellationRequested "+end))
	}
	for _, log := range p.Logs() {
		got = append(got, sorted(strings.Join(log, " ")))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("complete logs (-want +got):\n%s", diff)
	}
}

func sorted(names string) string {
	s := strings.Fields(names)
	slices.Sort(s)
	return strings.Join(s, " ")
}

// Each mutant is to be found by the check that it offends, in words that
// name what is wrong.
func TestIllFormedChoreographiesAreFound(t *testing.T) {
	checks := map[string]func(*flowdoc.Protocol) []string{
		"ways out": (*flowdoc.Protocol).WaysOut, "branches": (*flowdoc.Protocol).Branches,
		"pivots": (*flowdoc.Protocol).Pivots, "cycles": (*flowdoc.Protocol).Cycles,
	}
	for _, s := range mutants() {
		t.Run(s.check+": "+s.name, func(t *testing.T) {
			c := flowdoc.Production()
			s.do(&c)
			p, err := flowdoc.Study(c)
			if err != nil {
				t.Fatal(err)
			}
			found := checks[s.check](p)
			at := slices.IndexFunc(found, func(sentence string) bool { return strings.Contains(sentence, s.says) })
			if at < 0 {
				t.Fatalf("%q is not found; found is %q", s.says, found)
			}
			t.Log(found[at])
		})
	}
}

// What is done otherwise is not wrong for that.
func TestOtherChoreographiesAreWellFormedToo(t *testing.T) {
	tests := map[string]func(*flowdoc.Choreography){
		"a repeat that has a budget is no cycle": func(c *flowdoc.Choreography) {
			c.Payment = replace(c.Payment, chargingAgain(func(left string) bool { return len(left) > 1 }))
		},
		"a timer is a way out": func(c *flowdoc.Choreography) { c.Payment = failingLater(c.Payment) },
		"a timer that was stopped does not come": func(c *flowdoc.Choreography) {
			c.Order = replace(c.Order, flow.OnTimer[order.Deadline](func(o order.Order, d order.Deadline, out *flow.Out) order.Order {
				if o.Status.Terminal() {
					out.Emit(events.CancellationRequested{OrderID: o.ID})
				}
				return asBefore(order.Flow, o, d, out)
			}))
		},
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			c := flowdoc.Production()
			do(&c)
			p, err := flowdoc.Study(c)
			if err != nil {
				t.Fatal(err)
			}
			if found := p.IllFormed(); len(found) > 0 {
				t.Errorf("%q", found)
			}
		})
	}
}

func TestARepeatThatCountsUpForEverIsFound(t *testing.T) {
	c := flowdoc.Production()
	c.Payment = replace(c.Payment, countingUp())
	if _, err := flowdoc.Study(c); err == nil || !strings.Contains(err.Error(), "payment: does not come to rest") {
		t.Errorf("error %v", err)
	}
}
