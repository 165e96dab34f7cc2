package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// smoothMutants turn orders round to which nothing has happened. Whatever was
// done for them is undone, as it should be.
func smoothMutants() []Mutant {
	type own[E any] = reaction[E, payment.Payment]
	unable := func(p payment.Payment, out *flow.Out) payment.Payment {
		if p.Held && p.Placed && p.Status == payment.Waiting {
			p.Status, p.Reason = payment.Failed, events.ReasonProviderUnavailable
			out.Emit(events.PaymentFailed{OrderID: p.OrderID, PaymentID: p.ID, Reason: p.Reason})
		}
		return p
	}
	return []Mutant{
		{
			Name: "nobody-is-charged", Tells: "no payment is asked for, and each is told as failed", Scope: smooth, Property: answersTold,
			Break: func(s *System) {
				spoil(&s.Payment, func(own[events.OrderPlaced]) own[events.OrderPlaced] {
					return func(p payment.Payment, e events.OrderPlaced, out *flow.Out) payment.Payment {
						p.OrderID, p.Placed, p.ID = e.OrderID, true, out.ID("payment")
						p.Due, p.Currency, p.Token = e.Total, e.Currency, e.PaymentToken
						return unable(p, out)
					}
				})
				spoil(&s.Payment, func(own[events.StockReserved]) own[events.StockReserved] {
					return func(p payment.Payment, e events.StockReserved, out *flow.Out) payment.Payment {
						p.OrderID, p.Held = e.OrderID, true
						return unable(p, out)
					}
				})
			},
		},
		{
			Name: "unpaid-if-reserved-first", Tells: "a payment fails when the stock is heard of before the order", Scope: smooth, Property: answersTold,
			Break: func(s *System) {
				spoil(&s.Payment, func(own own[events.OrderPlaced]) own[events.OrderPlaced] {
					return func(p payment.Payment, e events.OrderPlaced, out *flow.Out) payment.Payment {
						if !p.Held || p.Placed {
							return own(p, e, out)
						}
						p.OrderID, p.Placed, p.ID = e.OrderID, true, out.ID("payment")
						return unable(p, out)
					}
				})
			},
		},
		{
			Name: "approved-and-voided", Tells: "a charge that is approved is voided", Scope: smooth, Property: answersTold,
			Break: func(s *System) {
				spoilAnswer(&s.Payment, payment.Charge{}, hearing(func(p payment.Payment, r payment.Charged) (payment.Payment, payment.Charged) {
					r.Outcome = payment.Unknown
					return p, r
				}))
			},
		},
		{
			Name: "accepted-and-unbooked", Tells: "a parcel that is accepted is unbooked", Scope: smooth, Property: answersTold,
			Break: func(s *System) {
				spoilAnswer(&s.Shipping, shipping.Book{}, hearing(func(x shipping.Shipment, r shipping.BookingAnswered) (shipping.Shipment, shipping.BookingAnswered) {
					r.Outcome = shipping.Unknown
					return x, r
				}))
			},
		},
		{
			Name: "stands-down-unasked", Tells: "payment stands down though nobody cancels", Scope: smooth, Property: standsDownInTime,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.OrderPlaced) (payment.Payment, events.OrderPlaced) {
					p.CancelRequested, p.Reason = true, events.ReasonCustomer
					return p, e
				}))
			},
		},
	}
}
