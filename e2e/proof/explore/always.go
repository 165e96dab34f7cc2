package explore

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

func breach(kind string) func(*View) string {
	return func(v *View) string {
		for _, l := range v.parts {
			if l.breach != 0 {
				if what, is := strings.CutPrefix(v.m.breaches.values[l.breach], kind); is {
					return what
				}
			}
		}
		return ""
	}
}

func moneyBounds(v *View) string {
	total := v.m.scope.total()
	for _, a := range v.Provider {
		if a.Back > a.Captured {
			return fmt.Sprintf("%d given back of %d captured", a.Back, a.Captured)
		}
		if a.Captured > total {
			return fmt.Sprintf("%d captured of a total of %d", a.Captured, total)
		}
	}
	if held := v.held(); held > total {
		return fmt.Sprintf("%d held of a total of %d", held, total)
	}
	return ""
}

func oneCapture(v *View) string {
	captures := 0
	for _, a := range v.Provider {
		captures += a.Times
	}
	if captures > 1 {
		return fmt.Sprintf("captured %d times", captures)
	}
	return ""
}

func paidParcels(v *View) string {
	booked := 0
	for _, a := range v.Carrier {
		booked += a.Times
	}
	if booked > 1 {
		return fmt.Sprintf("booked %d times", booked)
	}
	if n := v.parcels(); n > 0 && v.held() != v.m.scope.total() {
		return fmt.Sprintf("the carrier has %d parcel, and the provider holds %d of %d", n, v.held(), v.m.scope.total())
	}
	return ""
}

func pivot(v *View) string {
	if v.said(ofShipping, events.ShipmentCreated{}) == 0 {
		return ""
	}
	switch {
	case v.said(ofShipping, events.ShipmentFailed{}) > 0:
		return "ShipmentCreated and ShipmentFailed"
	case v.said(ofPayment, events.PaymentRefunded{}) > 0, v.said(ofPayment, events.PaymentFailed{}) > 0:
		return "ShipmentCreated, and the payment is undone"
	case v.said(ofInventory, events.StockReleased{}) > 0, v.said(ofInventory, events.StockRejected{}) > 0:
		return "ShipmentCreated, and the stock is not held"
	case v.said(ofOrder, events.OrderCancelled{}) > 0:
		return "ShipmentCreated, and the order is cancelled"
	}
	return ""
}

func oneEnd(v *View) string {
	completed, cancelled := v.said(ofOrder, events.OrderCompleted{}), v.said(ofOrder, events.OrderCancelled{})
	if completed+cancelled > 1 {
		return fmt.Sprintf("completed %d times and cancelled %d times", completed, cancelled)
	}
	if v.Order.Status == order.Completed && v.Order.Reason != "" {
		return fmt.Sprintf("the order is completed, and shown with the reason %s", v.Order.Reason)
	}
	if completed == 1 != (v.Order.Status == order.Completed) || cancelled == 1 != (v.Order.Status == order.Cancelled) {
		return fmt.Sprintf("the order is %s, and the topic says completed %d times, cancelled %d times", stands(v.Order.Status), completed, cancelled)
	}
	return ""
}

// cancelledUndone: compensation runs backward, and the order's end is its last step.
// After the end of a cancelled order, only notifications are still to come.
func cancelledUndone(v *View) string {
	if v.Order.Status != order.Cancelled {
		return ""
	}
	p, r := v.Payment.Status, v.Reservation.Status
	switch {
	case v.held() != 0 || v.parcels() != 0:
		return fmt.Sprintf("the order is cancelled, and the provider holds %d, the carrier %d parcels", v.held(), v.parcels())
	case p != payment.Waiting && p != payment.Closed && p != payment.Failed && p != payment.MoneyBack:
		return fmt.Sprintf("the order is cancelled, and its payment %s", stands(p))
	case r != inventory.Rejected && r != inventory.Released:
		return fmt.Sprintf("the order is cancelled, and its stock %s", stands(r))
	}
	return ""
}

// standsDown: a service that has handled CancellationRequested and still waits has
// recorded it. A service that has recorded it makes no call. A service that no longer
// waited is too late, and records nothing.
func standsDown(v *View) string {
	if what := breach("undeterred: ")(v); what != "" {
		return what
	}
	p, s := v.Payment, v.Shipment
	switch {
	case p.CancelRequested && p.Status != payment.Waiting && p.Status != payment.Failed && p.Status != payment.Closed:
		return fmt.Sprintf("payment has stood down, and is %s", stands(p.Status))
	case s.CancelRequested && s.Status != shipping.Waiting && s.Status != shipping.Failed && s.Status != shipping.Closed:
		return fmt.Sprintf("shipping has stood down, and is %s", stands(s.Status))
	case p.CancelRequested && !v.asked(ofPayment):
		return "payment has stood down, and nobody has asked it to"
	case s.CancelRequested && !v.asked(ofShipping):
		return "shipping has stood down, and nobody has asked it to"
	case p.Status == payment.Waiting && !p.CancelRequested && v.asked(ofPayment):
		return "payment has heard of the cancellation, and still waits to charge"
	case s.Status == shipping.Waiting && !s.CancelRequested && v.asked(ofShipping):
		return "shipping has heard of the cancellation, and still waits to book"
	}
	return ""
}

// asked reports whether a service has handled CancellationRequested.
func (v *View) asked(service int) bool {
	t := v.topics[ofOrder]
	for i, at := range t.named[service] {
		if v.parts[service].taken[ofOrder]&(1<<i) != 0 && t.emitted[at].Type == (events.CancellationRequested{}).EventType() {
			return true
		}
	}
	return false
}

func factsOnce(v *View) string {
	for _, t := range v.topics {
		if t.twice != "" {
			return t.twice
		}
	}
	return ""
}

func mailsOnce(v *View) string {
	for _, a := range v.MailServer {
		if a.Times > 1 {
			return fmt.Sprintf("a mail was accepted %d times", a.Times)
		}
	}
	for i, n := range v.Mailbox.Notices {
		for _, other := range v.Mailbox.Notices[:i] {
			if n.Kind == other.Kind {
				return fmt.Sprintf("there are two notices of kind %s", n.Kind)
			}
		}
	}
	return ""
}

func outcomeMails(v *View) string {
	for _, n := range v.Mailbox.Notices {
		switch {
		case n.Kind == events.KindOrderCompleted && v.Order.Status != order.Completed:
			return fmt.Sprintf("the customer is told that the order completed, and it is %s", stands(v.Order.Status))
		case n.Kind == events.KindOrderCancelled && (v.Order.Status != order.Cancelled || v.Order.Reason != n.Reason):
			return fmt.Sprintf("the customer is told that the order was cancelled (%s), and it is %s (%s)", n.Reason, stands(v.Order.Status), v.Order.Reason)
		}
	}
	return ""
}

func shelfLaw(stock levels) string {
	for sku, l := range stock {
		if l.OnHand < 0 || l.Reserved < 0 || l.Shipped < 0 {
			return fmt.Sprintf("%s is below zero: %s", sku, levelText(stock))
		}
		if l.OnHand+l.Reserved+l.Shipped != l.Received {
			return fmt.Sprintf("%s does not add up: %s", sku, levelText(stock))
		}
	}
	return ""
}

func levelText(stock levels) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(stock)) {
		l := stock[name]
		what := fmt.Sprintf("%d on hand, %d reserved, %d shipped of %d", l.OnHand, l.Reserved, l.Shipped, l.Received)
		if name != sku {
			what = name + " " + what
		}
		all = append(all, what)
	}
	return cmp.Or(strings.Join(all, ", "), "nothing")
}
