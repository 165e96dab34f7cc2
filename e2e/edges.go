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

// edge is one step of the choreography: an event, and one that follows from it. from is
// empty when the step begins with a client's request.
type edge struct{ from, to string }

// Rows are the tables of the five participants. Together they are the whole
// choreography.
func Rows() []flow.Row {
	return slices.Concat(order.Flow.Rows(), inventory.Flow.Rows(), payment.Flow.Rows(), shipping.Flow.Rows(), email.Flow.Rows())
}

// declared lists every step that the tables allow.
//
// An event leads to the events that its reaction emits. It also leads to the events
// behind the reaction's calls and timers: a call's result and a timer hand on the event
// that started them.
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

// follow calls to with every event that a reaction may lead to without a reaction of
// another participant. seen ends the loop of a result that starts the call it answers.
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
