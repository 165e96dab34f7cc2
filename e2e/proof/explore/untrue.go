package explore

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// untrue reports an error in a reaction that no state shows afterwards, or that only
// the reaction itself knows. Examples are a cancellation without effect, an answer that
// is published as another, and a rejection of stock, whose levels have changed by then.
func (m *model) untrue(service int, l local, in input, stock levels, r reacted) string {
	switch service {
	case ofOrder:
		return cmp.Or(m.misplaced(l, in, r), m.unheeded(l, in, r.out), m.misanswered(l, in, r))
	case ofInventory:
		return m.unshort(l, stock, r.out)
	case ofPayment:
		return m.unpaid(l, in, r)
	case ofShipping:
		return m.unshipped(l, in, r)
	case ofEmail:
		return otherEnd(in, r.out)
	}
	return ""
}

// misplaced: every service goes by the first OrderPlaced, so this check compares it
// with the customer's command.
func (m *model) misplaced(l local, in input, r reacted) string {
	c, is := in.body.(order.PlaceOrder)
	if _, event := in.body.(flow.Event); event && len(r.out.Timers) > 0 && !m.orders.values[r.next].External {
		return "misplaced: the order's time begins anew at " + nameOf(in.body)
	}
	if !is || r.err != nil || m.orders.values[l.state].Status != order.Unknown {
		return ""
	}
	for _, e := range r.out.Events {
		if placed, is := e.(events.OrderPlaced); is && text(placed) != text(m.scope.placedEvent(l.order)) {
			return fmt.Sprintf("misplaced: the customer said %s, and the event says %s", text(m.scope.placedEvent(l.order)), text(placed))
		}
	}
	o := m.orders.values[r.next]
	if o.CustomerID != c.CustomerID || o.Total != c.Total || o.Currency != c.Currency || !slices.Equal(o.Lines, c.Lines) {
		return fmt.Sprintf("misplaced: the customer said %s, and what is kept is %s", text(c), text(o))
	}
	if !slices.Contains(r.out.Timers, flow.Started{Timer: order.Deadline{}, After: c.Deadline}) {
		return fmt.Sprintf("misplaced: the order may take %s, and the timers that it starts are %v", c.Deadline, r.out.Timers)
	}
	return ""
}

func (m *model) unheeded(l local, in input, out flow.Outputs) string {
	switch in.body.(type) {
	case order.CancelOrder, order.Deadline:
	default:
		return ""
	}
	if m.orders.values[l.state].Status != order.Pending || emits(out, events.CancellationRequested{}) {
		return ""
	}
	return "unheeded: the order is pending, and nothing comes of " + nameOf(in.body)
}

// unwatched: as long as an order is pending, its deadline can come.
func (m *model) unwatched(service int, after *local) string {
	if service != ofOrder || !m.scope.May.has(Deadlines) || len(m.timers.values[after.timers]) > 0 {
		return ""
	}
	if o := m.orders.values[after.state]; o.Status == order.Pending && !o.External {
		return "unheeded: the order is pending, and its deadline does not run"
	}
	return ""
}

// misanswered: the customer knows nothing but the answer.
func (m *model) misanswered(l local, in input, r reacted) string {
	before, after := m.orders.values[l.state], m.orders.values[r.next]
	var refused error
	switch in.body.(type) {
	case order.PlaceOrder:
		if before.Status != order.Unknown {
			after.Status = order.Pending // the first answer, which the kit repeats
		}
	case order.CancelOrder:
		if before.Status == order.Unknown {
			refused = order.ErrNotFound
		} else if before.Status.Terminal() {
			refused = order.ErrTerminal
		}
	default:
		return ""
	}
	if !errors.Is(r.err, refused) {
		return fmt.Sprintf("misanswered: the order is %s, %s is answered with the error %v, and that should be %v", stands(before.Status), nameOf(in.body), r.err, refused)
	}
	if due := (order.Accepted{OrderID: orderID(l.order), Status: after.Status}); r.err == nil && r.out.Reply != due {
		return fmt.Sprintf("misanswered: %s is answered with %s, and the order is %s", nameOf(in.body), text(r.out.Reply), stands(after.Status))
	}
	return ""
}

// unpaid and unshipped: a service publishes an effect that happened, and fails without
// an attempt only when it was asked to cancel.
func (m *model) unpaid(l local, in input, reacted reacted) string {
	before, after, out := m.payments.values[l.state], m.payments.values[reacted.next], reacted.out
	if before.CancelRequested && (!after.CancelRequested || after.Reason != before.Reason || asks(out, payment.Charge{})) {
		return "undeterred: payment has stood down, and forgets it, or why"
	}
	switch r := in.body.(type) {
	case events.CancellationRequested:
		if !before.CancelRequested && after.CancelRequested && after.Reason != r.Reason {
			return "undeterred: payment stands down for another reason than it was asked for"
		}
	case payment.Charged:
		if r.Outcome == payment.Declined && asks(out, payment.Void{}) {
			return "mistold: the charge is declined, and payment voids what was not done"
		}
		if r.Outcome == payment.Approved && before.Status == payment.Charging && !emits(out, events.PaymentProcessed{}) {
			return "mistold: the charge is approved, and the payment is not told"
		}
	case events.OrderPlaced, events.StockReserved:
		if emits(out, events.PaymentFailed{}) && !before.CancelRequested {
			return "mistold: the payment failed, and nobody was asked for it"
		}
	}
	return ""
}

func (m *model) unshipped(l local, in input, reacted reacted) string {
	before, after, out := m.shipments.values[l.state], m.shipments.values[reacted.next], reacted.out
	if before.CancelRequested && (!after.CancelRequested || after.Reason != before.Reason || asks(out, shipping.Book{})) {
		return "undeterred: shipping has stood down, and forgets it, or why"
	}
	switch r := in.body.(type) {
	case events.CancellationRequested:
		if !before.CancelRequested && after.CancelRequested && after.Reason != r.Reason {
			return "undeterred: shipping stands down for another reason than it was asked for"
		}
	case shipping.BookingAnswered:
		if r.Outcome != shipping.Unknown && r.Outcome != shipping.Accepted && asks(out, shipping.Unbook{}) {
			return fmt.Sprintf("mistold: the booking is %s, and shipping undoes what was not done", r.Outcome)
		}
		if r.Outcome == shipping.Accepted && before.Status == shipping.Booking && !emits(out, events.ShipmentCreated{}) {
			return "mistold: the parcel is accepted, and the shipment is not told"
		}
	case events.OrderPlaced, events.PaymentProcessed:
		if emits(out, events.ShipmentFailed{}) && !before.CancelRequested {
			return "mistold: the shipment failed, and nobody was asked for it"
		}
	}
	return ""
}

// otherEnd compares the event with the answer. One reaction writes the notice and the
// event, so these two agree whatever it makes of the answer.
func otherEnd(in input, out flow.Outputs) string {
	r, is := in.body.(email.MailAnswered)
	if !is {
		return ""
	}
	for _, e := range out.Events {
		switch e := e.(type) {
		case events.NotificationSent:
			if r.Cause != "" {
				return fmt.Sprintf("mistold: a mail ended %s, and is told as sent", r.Cause)
			}
		case events.NotificationFailed:
			if r.Cause != e.Cause {
				return fmt.Sprintf("mistold: a mail ended %s, and is told as %s", cmp.Or(string(r.Cause), "well"), e.Cause)
			}
		}
	}
	return ""
}

func asks(out flow.Outputs, effect any) bool {
	return slices.ContainsFunc(out.Calls, func(e any) bool { return nameOf(e) == nameOf(effect) })
}

func emits(out flow.Outputs, event flow.Event) bool {
	return slices.ContainsFunc(out.Events, func(e flow.Event) bool { return e.EventType() == event.EventType() })
}

func (m *model) unshort(l local, stock levels, out flow.Outputs) string {
	for _, e := range out.Events {
		rejected, is := e.(events.StockRejected)
		if !is {
			continue
		}
		due := shortages(m.scope.placedEvent(l.order).Lines, stock)
		switch {
		case len(due) == 0:
			return fmt.Sprintf("untrue: StockRejected (%s), and the shelf has all that was ordered", rejected.Reason)
		case rejected.Reason != events.ReasonOutOfStock:
			return fmt.Sprintf("untrue: StockRejected (%s), and the shelf is short", rejected.Reason)
		case !slices.Equal(rejected.Shortages, due):
			return fmt.Sprintf("untrue: StockRejected tells of the shortages %+v, and there are %+v", rejected.Shortages, due)
		}
	}
	return ""
}

// shortages are the SKUs that the shelf is short of, in the order in which the lines
// name them first.
func shortages(lines []events.OrderLine, stock levels) []events.Shortage {
	var all []events.Shortage
	for _, line := range lines {
		i := slices.IndexFunc(all, func(s events.Shortage) bool { return s.SKU == line.SKU })
		if i < 0 {
			i = len(all)
			all = append(all, events.Shortage{SKU: line.SKU, Available: int32(stock[line.SKU].OnHand)})
		}
		all[i].Requested += line.Quantity
	}
	return slices.DeleteFunc(all, func(s events.Shortage) bool { return s.Requested <= s.Available })
}
