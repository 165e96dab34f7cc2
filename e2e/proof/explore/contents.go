package explore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// placed is the order's first OrderPlaced, by which every other service has to go; zero
// until it is published.
func (v *View) placed() events.OrderPlaced {
	for _, r := range v.topics[ofOrder].records {
		if e, is := r.Event.(events.OrderPlaced); is {
			return e
		}
	}
	return events.OrderPlaced{}
}

func moneyTold(v *View) string {
	for _, r := range v.topics[ofPayment].records {
		var amount int64
		var currency string
		switch e := r.Event.(type) {
		case events.PaymentProcessed:
			amount, currency = e.Amount, e.Currency
		case events.PaymentRefunded:
			amount, currency = e.Amount, e.Currency
		default:
			continue
		}
		if order := v.placed(); amount != order.Total || currency != order.Currency {
			return fmt.Sprintf("%s tells of %d %s, and the order is of %d %s", short(r.Event.EventType()), amount, currency, order.Total, order.Currency)
		}
	}
	return ""
}

func trackingTold(v *View) string {
	for _, r := range v.topics[ofShipping].records {
		if e, is := r.Event.(events.ShipmentCreated); is {
			if given := v.Carrier.at(e.ShipmentID).Tracking; given == "" || e.TrackingNumber != given {
				return fmt.Sprintf("the shipment is told with the tracking number %s, and the carrier gave %s", quoted(e.TrackingNumber), quoted(given))
			}
		}
	}
	return ""
}

// oneID: a payment, a shipment, or a notification of a kind has one id in all its
// events, in every call, and in the far side's ledger. The call that undoes another
// finds it under no other id. Nor does a comparison of the topics with the provider's
// ledger. And no other order has the same id.
func oneID(v *View) string {
	if what := breach("shared: ")(v); what != "" {
		return what
	}
	for _, service := range []int{ofPayment, ofShipping, ofEmail} {
		// The answer depends on one service only, and its own states are few.
		kept := &v.m.parts[service].ids[v.numbers[service]]
		if *kept == nil {
			what := idsOf(v, service)
			*kept = &what
		}
		if **kept != "" {
			return **kept
		}
	}
	return ""
}

func idsOf(v *View, service int) string {
	var all []subject
	for _, r := range v.topics[service].records {
		all = append(all, subjectOf(r.Event))
	}
	l := v.parts[service]
	for _, c := range slices.Concat(v.m.calls.values[l.calls], v.m.flying.values[l.flying]) {
		all = append(all, subject{aboutOf(c.Effect), keyOf(c.Effect)})
	}
	for _, a := range v.m.ledgers.values[l.far] {
		all = append(all, subject{a.About, a.Key})
	}
	for i, s := range all {
		if s.id == "" {
			return fmt.Sprintf("%s tells or asks of a %s without an id", serviceNames[service], s.about)
		}
		for _, other := range all[:i] {
			if other.about == s.about && other.id != s.id {
				return fmt.Sprintf("%s has two ids for its %s: %s and %s", serviceNames[service], s.about, other.id, s.id)
			}
		}
	}
	return ""
}

// subject is what an event or a call is about, and its id.
type subject struct{ about, id string }

func subjectOf(event any) subject {
	switch e := event.(type) {
	case events.PaymentProcessed:
		return subject{"payment", e.PaymentID}
	case events.PaymentFailed:
		return subject{"payment", e.PaymentID}
	case events.PaymentRefunded:
		return subject{"payment", e.PaymentID}
	case events.ShipmentCreated:
		return subject{"shipment", e.ShipmentID}
	case events.ShipmentFailed:
		return subject{"shipment", e.ShipmentID}
	case events.NotificationSent:
		return subject{"notification " + string(e.Kind), e.NotificationID}
	case events.NotificationFailed:
		return subject{"notification " + string(e.Kind), e.NotificationID}
	}
	return subject{}
}

// aboutOf is what a call is about, in the words of subjectOf.
func aboutOf(effect any) string {
	switch e := effect.(type) {
	case payment.Charge, payment.Void, payment.Refund:
		return "payment"
	case shipping.Book, shipping.Unbook:
		return "shipment"
	case email.SendMail:
		return "notification " + string(e.Kind)
	}
	return ""
}

// asOrdered checks calls while they are open, and so before their effects can have
// happened. It leaves the amounts to the provider's ledger, which shows their effects.
func asOrdered(v *View) string {
	for _, service := range []int{ofPayment, ofShipping, ofEmail} {
		for _, c := range v.m.calls.values[v.parts[service].calls] {
			order := v.placed()
			if what := cmp.Or(otherThan(&order, c.Effect), v.otherWords(c.Effect)); what != "" {
				return label(c.Effect) + " " + what
			}
		}
	}
	return ""
}

func otherThan(order *events.OrderPlaced, effect any) string {
	if id := idOf(effect); id != order.OrderID {
		return fmt.Sprintf("is of the order %s, and the order is %s", quoted(id), quoted(order.OrderID))
	}
	switch e := effect.(type) {
	case payment.Charge:
		if e.Currency != order.Currency {
			return fmt.Sprintf("is in %s, and the order in %s", quoted(e.Currency), quoted(order.Currency))
		}
		if e.Token != order.PaymentToken {
			return "is of another card than the order"
		}
	case shipping.Book:
		if text(e.Address) != text(order.ShippingAddress) {
			return "is to another address than the order"
		}
		if !slices.Equal(e.Lines, order.Lines) {
			return fmt.Sprintf("is of %+v, and the order of %+v", e.Lines, order.Lines)
		}
	case email.SendMail:
		if e.To != order.Email {
			return fmt.Sprintf("is to %s, and the customer is at %s", quoted(e.To), quoted(order.Email))
		}
	}
	return ""
}
