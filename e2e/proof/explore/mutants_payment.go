package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/payment"
)

// charging asks for the charge, whatever is known and whatever is not.
func charging(p payment.Payment, out *flow.Out) payment.Payment {
	p.Status = payment.Charging
	out.Call(payment.Charge{PaymentID: p.ID, OrderID: p.OrderID, Amount: p.Due, Currency: p.Currency, Token: p.Token})
	return p
}

// paymentMutants are about when to charge.
func paymentMutants() []Mutant {
	type own[E any] = reaction[E, payment.Payment]
	return []Mutant{
		{
			Name: "charge-before-amount", Tells: "the charge begins with the reservation, also when the amount is not known yet", Scope: smooth, Property: oneName,
			Break: func(s *System) {
				spoil(&s.Payment, func(own[events.StockReserved]) own[events.StockReserved] {
					return func(p payment.Payment, e events.StockReserved, out *flow.Out) payment.Payment {
						p.OrderID, p.Held = e.OrderID, true
						return charging(p, out)
					}
				})
			},
		},
		{
			Name: "charge-before-stock", Tells: "the charge does not wait for the reservation", Scope: soldOut, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.OrderPlaced) (payment.Payment, events.OrderPlaced) {
					p.Held = true
					return p, e
				}))
			},
		},
		{
			Name: "only-in-order", Tells: "payment drops a reservation that it hears of before the order", Scope: smooth, Property: everyOrderEnds,
			Break: func(s *System) {
				spoil(&s.Payment, func(own own[events.StockReserved]) own[events.StockReserved] {
					return func(p payment.Payment, e events.StockReserved, out *flow.Out) payment.Payment {
						if !p.Placed {
							return p
						}
						return own(p, e, out)
					}
				})
			},
		},
	}
}

// cancelledPaymentMutants are about payments of orders that are being cancelled.
func cancelledPaymentMutants() []Mutant {
	type own[E any] = reaction[E, payment.Payment]
	return []Mutant{
		{
			Name: "stand-down-is-silent", Tells: "a payment that stands down tells nobody", Scope: cancelling, Property: everyOrderEnds,
			Break: func(s *System) {
				spoil(&s.Payment, func(own own[events.StockReserved]) own[events.StockReserved] {
					return func(p payment.Payment, e events.StockReserved, out *flow.Out) payment.Payment {
						if p.CancelRequested {
							p.OrderID, p.Held, p.Status = e.OrderID, true, payment.Failed
							return p
						}
						return own(p, e, out)
					}
				})
			},
		},
		{
			Name: "stop-a-running-charge", Tells: "a cancellation calls a charge failed that is under way", Scope: cancelling, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoil(&s.Payment, func(own own[events.CancellationRequested]) own[events.CancellationRequested] {
					return func(p payment.Payment, e events.CancellationRequested, out *flow.Out) payment.Payment {
						if p.Status != payment.Charging {
							return own(p, e, out)
						}
						p.Status, p.Reason = payment.Failed, e.Reason
						out.Emit(events.PaymentFailed{OrderID: p.OrderID, PaymentID: p.ID, Reason: e.Reason})
						return p
					}
				})
			},
		},
	}
}

// refundMutants are about how money is given back.
func refundMutants() []Mutant {
	type own[E any] = reaction[E, payment.Payment]
	return []Mutant{
		{
			Name: "no-refund", Tells: "money is not given back when the shipment fails", Scope: refused, Property: everyOrderEnds,
			Break: func(s *System) { forget[events.ShipmentFailed](&s.Payment) },
		},
		{
			Name: "refund-twice", Tells: "two refunds are asked for, and each is told", Scope: refused, Property: factsToldOnce,
			Break: func(s *System) {
				spoil(&s.Payment, func(own own[events.ShipmentFailed]) own[events.ShipmentFailed] {
					return func(p payment.Payment, e events.ShipmentFailed, out *flow.Out) payment.Payment {
						p = own(p, e, out)
						out.Call(payment.Refund{PaymentID: p.ID, OrderID: p.OrderID, Amount: p.Due})
						return p
					}
				})
				spoilAnswer(&s.Payment, payment.Refund{}, hearing(func(p payment.Payment, r payment.Refunded) (payment.Payment, payment.Refunded) {
					p.Status = payment.Refunding
					return p, r
				}))
			},
		},
		{
			Name: "refund-too-much", Tells: "more is given back than was taken", Scope: refused, Property: moneyInBounds,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.ShipmentFailed) (payment.Payment, events.ShipmentFailed) {
					p.Due *= 2
					return p, e
				}))
			},
		},
	}
}

// otherRefundMutants are about what a refund is of, and payments without one.
func otherRefundMutants() []Mutant {
	type own[E any] = reaction[E, payment.Payment]
	return []Mutant{
		{
			Name: "refund-another-payment", Tells: "a refund goes out under a key that nothing was charged under", Scope: refused, Property: oneName,
			Break: func(s *System) {
				spoil(&s.Payment, func(own own[events.ShipmentFailed]) own[events.ShipmentFailed] {
					return func(p payment.Payment, e events.ShipmentFailed, out *flow.Out) payment.Payment {
						p.ID = out.ID("refund")
						return own(p, e, out)
					}
				})
			},
		},
		{
			Name: "refund-of-no-call", Tells: "the table does not say which call it is that ends with a refund", Scope: refused, Property: declaredCauses,
			Break: func(s *System) {
				s.Payment = replace(s.Payment, flow.OnResult[payment.Refunded](original[payment.Refunded](s.Payment)).Emits(events.PaymentRefunded{}))
			},
		},
		{
			Name: "payment-ends-open", Tells: "a payment whose order was cancelled before it began waits on", Scope: soldOut, Property: partsEnd,
			Break: func(s *System) { forget[events.OrderCancelled](&s.Payment) },
		},
	}
}
