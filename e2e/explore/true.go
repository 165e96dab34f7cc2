package explore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// trueReasons: whoever decides that an order does not go through gives the
// reason that there is. That it is passed on unchanged is another property,
// which a reason that was wrong from the start does not violate.
func trueReasons(v *View) string {
	return cmp.Or(v.whyAsked(), v.whyUnpaid(), v.whyUnshipped())
}

// whyAsked goes by the id of the request, which names what it was made at.
func (v *View) whyAsked() string {
	for _, r := range v.topics[ofOrder].records {
		e, is := r.Event.(events.CancellationRequested)
		if !is {
			continue
		}
		madeAt := r.ID[:strings.LastIndexByte(r.ID, '>')]
		late := strings.HasSuffix(madeAt, ">"+nameOf(order.Deadline{}))
		if late && e.Reason != events.ReasonDeadline || !late && e.Reason != events.ReasonCustomer {
			return fmt.Sprintf("CancellationRequested (%s) is made at %s", e.Reason, madeAt[strings.LastIndexAny(madeAt, ">/")+1:])
		}
	}
	return ""
}

// whyUnpaid and whyUnshipped compare with the far side's books. A decline that
// nobody heard of is no decline: the void that follows is what the books say.
// Who stood down called nobody, and passes on why.
func (v *View) whyUnpaid() string {
	if v.Payment.StoodDown {
		return ""
	}
	for _, r := range v.topics[ofPayment].records {
		if e, is := r.Event.(events.PaymentFailed); is {
			status := v.Provider.at(e.PaymentID).Status
			if what := misread(e, e.Reason, status, "declined", events.ReasonDeclined, events.ReasonProviderUnavailable); what != "" {
				return what
			}
		}
	}
	return ""
}

func (v *View) whyUnshipped() string {
	if v.Shipment.StoodDown {
		return ""
	}
	for _, r := range v.topics[ofShipping].records {
		if e, is := r.Event.(events.ShipmentFailed); is {
			status := v.Carrier.at(e.ShipmentID).Status
			if what := misread(e, e.Reason, status, "refused", events.ReasonCarrierRefused, events.ReasonCarrierUnavailable); what != "" {
				return what
			}
		}
	}
	return ""
}

func misread(e flow.Event, told events.Reason, status, no string, ifNo, otherwise events.Reason) string {
	due := otherwise
	if status == no {
		due = ifNo
	}
	if told == due {
		return ""
	}
	return fmt.Sprintf("%s (%s) is told, and the call's status is %s", short(e.EventType()), told, stands(status))
}

// idOf is the order's id as a call has it.
func idOf(effect any) string {
	switch e := effect.(type) {
	case payment.Charge:
		return e.OrderID
	case payment.Void:
		return e.OrderID
	case payment.Refund:
		return e.OrderID
	case shipping.Book:
		return e.OrderID
	case shipping.Unbook:
		return e.OrderID
	case email.SendMail:
		return e.OrderID
	}
	return ""
}

// otherWords is what is wrong with the reason that a mail gives: the customer
// reads what the notice says.
func (v *View) otherWords(effect any) string {
	mail, is := effect.(email.SendMail)
	if !is {
		return ""
	}
	for _, n := range v.Mailbox.Notices {
		if n.ID == mail.NotificationID && n.Reason != mail.Reason {
			return fmt.Sprintf("gives the reason %s, and its notice %s", quoted(mail.Reason), quoted(n.Reason))
		}
	}
	return ""
}

// untrue tells what is wrong with a reaction that no state shows afterwards: a
// cancellation that comes to nothing, also when it is refused, and a rejection
// of stock, whose levels are others by then.
func (m *model) untrue(service int, l local, in input, stock levels, out flow.Outputs) string {
	switch service {
	case ofOrder:
		return m.unheeded(l, in, out)
	case ofInventory:
		return unshort(l, stock, out)
	}
	return ""
}

func (m *model) unheeded(l local, in input, out flow.Outputs) string {
	switch in.body.(type) {
	case order.CancelOrder, order.Deadline:
	default:
		return ""
	}
	asked := slices.ContainsFunc(out.Events, func(e flow.Event) bool { return e.EventType() == events.CancellationRequested{}.EventType() })
	if m.orders.values[l.state].Status != order.Pending || asked {
		return ""
	}
	return "unheeded: the order is pending, and nothing comes of " + nameOf(in.body)
}

func unshort(l local, stock levels, out flow.Outputs) string {
	for _, e := range out.Events {
		rejected, is := e.(events.StockRejected)
		if !is {
			continue
		}
		due := shortages(placedEvent(l.order).Lines, stock)
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

// shortages are what the shelf has too little of. Each line has a SKU of its
// own.
func shortages(lines []events.OrderLine, stock levels) []events.Shortage {
	var short []events.Shortage
	for _, line := range lines {
		if free := stock[line.SKU].OnHand; free < int64(line.Quantity) {
			short = append(short, events.Shortage{SKU: line.SKU, Requested: line.Quantity, Available: int32(free)})
		}
	}
	return short
}
