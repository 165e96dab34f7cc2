package e2e

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// edge is one step of the choreography: an event, and one that follows from it.
// After a request of somebody outside there is no event before the first.
type edge struct{ from, to string }

// Rows are the five participants' tables, which together are the whole plan.
func Rows() []flow.Row {
	return slices.Concat(order.Flow.Rows(), inventory.Flow.Rows(), payment.Flow.Rows(), shipping.Flow.Rows(), email.Flow.Rows())
}

// declared lists every step that the tables allow.
//
// An event leads to what its reaction emits, and to all that comes of what its
// reaction asked for: a call's result and a timer hand on the event that asked.
func declared(rows []flow.Row) map[edge]bool {
	steps := map[edge]bool{}
	for _, r := range rows {
		switch r.Kind {
		case flow.KindEvent:
			follow(rows, r, func(to string) { steps[edge{r.Input, to}] = true }, map[string]bool{})
		case flow.KindCommand:
			follow(rows, r, func(to string) { steps[edge{"", to}] = true }, map[string]bool{})
		}
	}
	return steps
}

// follow tells of every event that a reaction may lead to before another
// participant has a say. seen ends the loop of a result that asks for the call
// it answers.
func follow(rows []flow.Row, r flow.Row, to func(string), seen map[string]bool) {
	if seen[r.Input] {
		return
	}
	seen[r.Input] = true
	for _, e := range r.Emits {
		to(e.EventType())
	}
	for _, next := range rows {
		if next.Service != r.Service {
			continue
		}
		if next.Kind == flow.KindResult && slices.Contains(r.Calls, next.ResultOf) || next.Kind == flow.KindTimer && slices.Contains(r.Timers, next.Input) {
			follow(rows, next, to, seen)
		}
	}
}
