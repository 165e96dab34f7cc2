package flowdoc

import (
	"fmt"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// Choreography is five participants that may or may not fit together.
type Choreography struct {
	Order     flow.Participant[order.Order]
	Inventory flow.Participant[inventory.Reservation]
	Payment   flow.Participant[payment.Payment]
	Shipping  flow.Participant[shipping.Shipment]
	Email     flow.Participant[email.Mailbox]
}

// Production is the choreography that the services run.
func Production() Choreography {
	return Choreography{order.Flow, inventory.Flow, payment.Flow, shipping.Flow, email.Flow}
}

// part is a participant without the type of its state.
type part struct {
	service string
	rows    []flow.Row
	undone  []flow.Compensation
	start   any
	react   func(state any, id string, input any) (any, flow.Outputs, error)
	show    func(state any) string
	// foreign is the command in whose place another producer may put this service's event
	// on the topic.
	foreign string
}

// partOf erases the type of a participant's state. The parameter forget drops the
// fields that reactions write and never read, so that states which behave alike are
// one.
func partOf[S any](p flow.Participant[S], start S, show func(S) string, forget func(S) S) part {
	return part{
		service: p.Service, rows: p.Rows(), undone: p.Compensations, start: start,
		react: func(state any, id string, input any) (any, flow.Outputs, error) {
			next, out, err := p.React(state.(S), id, time.Unix(0, 0).UTC(), input)
			return forget(next), out, err
		},
		show: func(state any) string { return show(state.(S)) },
	}
}

func (c Choreography) parts() []part {
	ordering := partOf(c.Order, order.Order{}, func(o order.Order) string { return status(o.Status, "unknown") }, withoutProgress)
	ordering.foreign = "PlaceOrder"
	return []part{
		ordering,
		// Inventory's store lends the levels to a reaction: nothing is in stock yet.
		partOf(c.Inventory, inventory.Reservation{Levels: map[string]inventory.Level{}}, func(r inventory.Reservation) string { return status(r.Status, "unknown") }, all),
		partOf(c.Payment, payment.Payment{}, func(p payment.Payment) string { return status(p.Status, "waiting") }, all),
		partOf(c.Shipping, shipping.Shipment{}, func(s shipping.Shipment) string { return status(s.Status, "waiting") }, all),
		partOf(c.Email, email.Mailbox{}, notices, all),
	}
}

// upstream is the order in which parts are enumerated, against the direction of the
// story. Each part then has the constraints on the events that come back to it. Email
// comes last, as no part consumes its events.
var upstream = []int{3, 2, 1, 0, 4}

func all[S any](s S) S { return s }

// withoutProgress drops the progress that the customer sees;
// TestNoReactionReadsTheProgress shows that no reaction depends on it.
func withoutProgress(o order.Order) order.Order {
	o.Progress = nil
	return o
}

func status[T ~string](s T, zero string) string {
	if s == "" {
		return zero
	}
	return string(s)
}

func notices(m email.Mailbox) string {
	said := make([]string, len(m.Notices))
	for i, n := range m.Notices {
		said[i] = fmt.Sprintf("%s %s", n.Kind, n.Status)
	}
	return status(strings.Join(said, ", "), "empty")
}
