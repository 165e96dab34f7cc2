package explore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/e2e/history"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

func completed(v *View) bool { return v.Order.Status == order.Completed }

func ended(v *View) string {
	if !v.Order.Status.Terminal() {
		return fmt.Sprintf("the order is %s", stands(v.Order.Status))
	}
	return ""
}

func moneyAtRest(v *View) string {
	want, total := int64(0), v.m.scope.total()
	if completed(v) {
		want = total
	}
	if v.held() != want {
		return fmt.Sprintf("the order is %s, and the provider holds %d of %d", stands(v.Order.Status), v.held(), total)
	}
	return ""
}

func parcelsAtRest(v *View) string {
	if n := v.parcels(); completed(v) != (n == 1) || n > 1 {
		return fmt.Sprintf("the order is %s, and the carrier has %d parcels", stands(v.Order.Status), n)
	}
	return ""
}

func stockAtRest(v *View) string {
	s := v.Reservation.Status
	if completed(v) != (s == inventory.Shipped) || !completed(v) && s == inventory.Reserved {
		return fmt.Sprintf("the order is %s, and its stock %s", stands(v.Order.Status), stands(s))
	}
	return ""
}

// partsAtRest: a service's state at rest is one that ends its part, and its
// events are exactly those that lead there.
func partsAtRest(v *View) string {
	leads := [][3]any{
		{ofInventory, v.Reservation.Status, map[any][]flow.Event{
			inventory.Rejected: {events.StockRejected{}},
			inventory.Released: {events.StockReserved{}, events.StockReleased{}},
			inventory.Shipped:  {events.StockReserved{}},
		}},
		{ofPayment, v.Payment.Status, map[any][]flow.Event{
			payment.Paid:      {events.PaymentProcessed{}},
			payment.MoneyBack: {events.PaymentProcessed{}, events.PaymentRefunded{}},
			payment.Failed:    {events.PaymentFailed{}},
			payment.Closed:    {},
		}},
		{ofShipping, v.Shipment.Status, map[any][]flow.Event{
			shipping.Booked: {events.ShipmentCreated{}},
			shipping.Failed: {events.ShipmentFailed{}},
			shipping.Closed: {},
		}},
	}
	for _, l := range leads {
		service := l[0].(int)
		want, rests := l[2].(map[any][]flow.Event)[l[1]]
		if !rests {
			return fmt.Sprintf("%s is at rest as %s", serviceNames[service], stands(fmt.Sprint(l[1])))
		}
		var told, due []string
		for _, e := range v.topics[service].emitted {
			told = append(told, short(e.Type))
		}
		for _, e := range want {
			due = append(due, short(e.EventType()))
		}
		if !slices.Equal(told, due) {
			return fmt.Sprintf("%s is %s, and told %s", serviceNames[service], stands(fmt.Sprint(l[1])), cmp.Or(strings.Join(told, ", "), "nothing"))
		}
	}
	return ""
}

func mailsAtRest(v *View) string {
	if !v.m.scope.May.has(Mails) {
		return ""
	}
	end := events.KindOrderCancelled
	if completed(v) {
		end = events.KindOrderCompleted
	}
	for _, kind := range []events.Kind{events.KindOrderPlaced, end} {
		if len(v.notices(kind)) != 1 {
			return fmt.Sprintf("there are %d notices of kind %s", len(v.notices(kind)), kind)
		}
	}
	for _, n := range v.Mailbox.Notices {
		copies := v.MailServer.at(n.ID).Times
		told := 0
		for _, e := range v.topics[ofEmail].emitted {
			if e.Type == (events.NotificationSent{}).EventType() && n.Status == email.Sent && e.Reason == history.Reason("", string(n.Kind), "") ||
				e.Type == (events.NotificationFailed{}).EventType() && n.Status == email.Failed && e.Reason == history.Reason("", string(n.Kind), string(n.Cause)) {
				told++
			}
		}
		switch {
		case told != 1:
			return fmt.Sprintf("the notice %s is %s (%s), and that is told %d times", n.Kind, stands(n.Status), n.Cause, told)
		case n.Status == email.Sent && copies != 1:
			return fmt.Sprintf("the notice %s is recorded as sent, and %d copies were accepted", n.Kind, copies)
		case n.Status == email.Failed && n.Cause != events.CauseUnknown && copies > 0:
			return fmt.Sprintf("the notice %s is recorded as %s, and was accepted", n.Kind, n.Cause)
		}
	}
	return ""
}

// progressAtRest: the order service shows each event of others that it reads,
// and each of its own, once.
func progressAtRest(v *View) string {
	shown := map[string]int{}
	for _, s := range v.Order.Progress {
		shown[s.Event]++
	}
	for s, t := range v.topics {
		if s == ofEmail {
			continue
		}
		for name := range t.types {
			own := v.Order.External && name == (events.OrderPlaced{}).EventType()
			if n := shown[short(name)]; n != 1 && !own {
				return fmt.Sprintf("%s is shown %d times", short(name), n)
			}
			delete(shown, short(name))
		}
	}
	for name := range shown {
		return fmt.Sprintf("%s is shown, and is on no topic", name)
	}
	return ""
}

// reasonsAtRest: a service that passes a failure on passes its reason on.
func reasonsAtRest(v *View) string {
	for _, t := range v.topics {
		for _, e := range t.emitted {
			if !passesOn[e.Type] {
				continue
			}
			for _, from := range v.topics {
				for _, c := range from.emitted {
					if c.Type == e.Cause && c.Reason != "" && c.Reason != e.Reason {
						return fmt.Sprintf("%s (%s) follows from %s (%s)", short(e.Type), e.Reason, short(c.Type), c.Reason)
					}
				}
			}
		}
	}
	if what := voidReasons(v); what != "" {
		return what
	}
	if v.Order.Status == order.Cancelled {
		for _, e := range v.topics[ofOrder].emitted {
			if e.Type == (events.OrderCancelled{}).EventType() && e.Reason != string(v.Order.Reason) {
				return fmt.Sprintf("the order was cancelled for %s, and its event says %s", quoted(v.Order.Reason), quoted(e.Reason))
			}
		}
	}
	return ""
}

// voidReasons: a service that stood down fails for the reason of the cancellation.
func voidReasons(v *View) string {
	for _, e := range slices.Concat(v.topics[ofPayment].emitted, v.topics[ofShipping].emitted) {
		void := e.Type == (events.PaymentFailed{}).EventType() && v.Payment.CancelRequested || e.Type == (events.ShipmentFailed{}).EventType() && v.Shipment.CancelRequested
		for _, c := range v.topics[ofOrder].emitted {
			if void && c.Type == (events.CancellationRequested{}).EventType() && c.Reason != e.Reason {
				return fmt.Sprintf("%s (%s) is void by CancellationRequested (%s)", short(e.Type), e.Reason, c.Reason)
			}
		}
	}
	return ""
}

// passesOn are the events that follow from the failure of another service.
var passesOn = map[string]bool{
	(events.PaymentRefunded{}).EventType(): true,
	(events.StockReleased{}).EventType():   true,
	(events.OrderCancelled{}).EventType():  true,
}

func noGap(v *View) string {
	for s, t := range v.topics {
		for _, r := range t.records {
			if r.Lost {
				return fmt.Sprintf("%s of %s was committed, and never published", short(r.Event.EventType()), serviceNames[s])
			}
		}
	}
	return ""
}

func shelfAtRest(stock levels, pieces int64) string {
	for _, l := range stock {
		if l.Reserved != 0 {
			return "still reserved: " + levelText(stock)
		}
		if l.Shipped != pieces {
			return fmt.Sprintf("orders of %d pieces completed, and the stock says %s", pieces, levelText(stock))
		}
	}
	return ""
}
