package explore

import (
	"fmt"
	"slices"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// shownAtRest reports an untruth that a service showed at any step on the way. It is
// checked at the end only. So a service that does a wrong thing, and shows it, is
// reported for the deed.
func shownAtRest(v *View) string {
	for _, l := range v.parts {
		if l.shown != 0 {
			return v.m.breaches.values[l.shown]
		}
	}
	return ""
}

// misshown is the untruth in the state that a service shows of an order, compared with
// its published events. The customer and the support see that state, and no other
// service in the choreography reads it.
func (m *model) misshown(service int, l *local) string {
	t := m.topics.values[l.topic]
	switch service {
	case ofOrder:
		return m.orderShown(m.orders.values[l.state], l, t)
	case ofInventory:
		return m.stockShown(m.reservations.values[l.state], l)
	case ofPayment:
		return m.paymentShown(m.payments.values[l.state], l, t)
	case ofShipping:
		return shipmentShown(m.shipments.values[l.state], t)
	case ofEmail:
		return noticesShown(m.mailboxes.values[l.state])
	}
	return ""
}

// reasonOf is the reason that an owner gave last with an event of a type.
func (t *topic) reasonOf(e flow.Event) events.Reason {
	for _, told := range slices.Backward(t.emitted) {
		if told.Type == e.EventType() {
			return events.Reason(told.Reason)
		}
	}
	return ""
}

func (m *model) orderShown(o order.Order, l *local, t *topic) string {
	due := o.Reason
	switch o.Status {
	case order.Unknown:
		if text(o) != text(order.Order{}) {
			return "an order that is not known is kept, and shows " + text(o)
		}
		return ""
	case order.Pending:
		due = ""
	case order.Cancelling:
		due = t.reasonOf(events.CancellationRequested{})
	}
	switch {
	case o.ID != orderID(l.order):
		return fmt.Sprintf("the order %s is kept as %s", orderID(l.order), quoted(o.ID))
	case o.External != m.scope.Foreign:
		return fmt.Sprintf("an order that is placed here, or not, is taken for the other (external: %t)", o.External)
	case o.Status == order.Cancelling && due == "":
		return "an order is shown as cancelling, and nobody was asked to cancel it"
	case o.Reason != due:
		return fmt.Sprintf("an order that is %s shows the reason %s, and what was told is %s", o.Status, quoted(o.Reason), quoted(due))
	}
	return ""
}

func (m *model) stockShown(r inventory.Reservation, l *local) string {
	var due []inventory.Line
	if r.Status != inventory.Unknown && r.Status != inventory.Rejected {
		for _, line := range m.scope.placedEvent(l.order).Lines {
			i := slices.IndexFunc(due, func(d inventory.Line) bool { return d.SKU == line.SKU })
			if i < 0 {
				i = len(due)
				due = append(due, inventory.Line{SKU: line.SKU})
			}
			due[i].Quantity += int64(line.Quantity)
		}
	}
	if !slices.Equal(r.Lines, due) {
		return fmt.Sprintf("a reservation that is %s shows %v, and the order is of %v", stands(r.Status), r.Lines, due)
	}
	return ""
}

func (m *model) paymentShown(p payment.Payment, l *local, t *topic) string {
	due := p.Reason
	switch p.Status {
	case payment.Charging, payment.Voiding, payment.Paid:
		due = ""
	case payment.Failed:
		due = t.reasonOf(events.PaymentFailed{})
	case payment.MoneyBack:
		due = t.reasonOf(events.PaymentRefunded{})
	case payment.Closed:
		if !p.CancelRequested {
			due = ""
		}
	}
	placed := m.scope.placedEvent(l.order)
	switch {
	case p.Reason != due:
		return fmt.Sprintf("a payment that is %s shows the reason %s, and what was told is %s", stands(p.Status), quoted(p.Reason), quoted(due))
	case p.Placed && (p.ID == "" || p.Due != placed.Total || p.Currency != placed.Currency):
		return fmt.Sprintf("the payment shows %s of %d %s, and the order is of %d %s", quoted(p.ID), p.Due, p.Currency, placed.Total, placed.Currency)
	}
	return ""
}

func shipmentShown(s shipping.Shipment, t *topic) string {
	due, tracking := s.Reason, ""
	switch s.Status {
	case shipping.Booking, shipping.Unbooking, shipping.Booked:
		due = ""
	case shipping.Failed:
		due = t.reasonOf(events.ShipmentFailed{})
	case shipping.Closed:
		if !s.CancelRequested {
			due = ""
		}
	}
	for _, r := range t.records {
		if e, is := r.Event.(events.ShipmentCreated); is {
			tracking = e.TrackingNumber
		}
	}
	switch {
	case s.Reason != due:
		return fmt.Sprintf("a shipment that is %s shows the reason %s, and what was told is %s", stands(s.Status), quoted(s.Reason), quoted(due))
	case s.Placed && s.ID == "":
		return "a shipment is shown without an id"
	case s.TrackingNumber != tracking:
		return fmt.Sprintf("the shipment shows the tracking number %s, and what was told is %s", quoted(s.TrackingNumber), quoted(tracking))
	}
	return ""
}

func noticesShown(b email.Mailbox) string {
	for _, n := range b.Notices {
		switch {
		case (n.Status == email.Failed) != (n.Cause != ""):
			return fmt.Sprintf("a notice that is %s shows the cause %s", n.Status, quoted(n.Cause))
		case (n.Kind == events.KindOrderCancelled) != (n.Reason != ""):
			return fmt.Sprintf("a notice of kind %s shows the reason %s", n.Kind, quoted(n.Reason))
		}
	}
	return ""
}

// noticesShownIn: a new notice is added at the end.
func noticesShownIn(before, after email.Mailbox, _ input, _ flow.Outputs, _ time.Time) string {
	for i, n := range before.Notices {
		if i >= len(after.Notices) || after.Notices[i].ID != n.ID {
			return fmt.Sprintf("of the notices %s there were, and shown are %s", text(before.Notices), text(after.Notices))
		}
	}
	return ""
}

// progressShownIn compares an input's addition to the progress with the events: first
// the event that came, then those that go out, at this time. The check comes before
// orders that differ in the sequence only count as one.
func progressShownIn(before, after order.Order, in input, out flow.Outputs, at time.Time) string {
	var due []order.Step
	if e, is := in.body.(flow.Event); is {
		due = append(due, stepOf(e, at))
	}
	for _, e := range out.Events {
		due = append(due, stepOf(e, at))
	}
	switch n := len(before.Progress); {
	case len(after.Progress) < n || !slices.Equal(after.Progress[:n], before.Progress):
		return "what the customer was shown before is shown otherwise now"
	case !slices.Equal(after.Progress[n:], due):
		return fmt.Sprintf("the customer is shown %s, and what happened is %s", text(after.Progress[n:]), text(due))
	case after.Status != order.Unknown && before.Status == order.Unknown && !after.PlacedAt.Equal(at), before.Status != order.Unknown && after.PlacedAt != before.PlacedAt:
		return fmt.Sprintf("the order is shown as placed at %s", after.PlacedAt)
	}
	return ""
}

func stepOf(e flow.Event, at time.Time) order.Step {
	return order.Step{Event: short(e.EventType()), At: at, Why: events.Reason(record{Event: e}.emitted().Reason)}
}
