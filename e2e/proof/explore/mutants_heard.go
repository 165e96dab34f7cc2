package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/payment"
)

// heardMutants end every order in a consistent world, and break the protocol on
// the way there.
func heardMutants() []Mutant {
	type stock[E any] = reaction[E, inventory.Reservation]
	return []Mutant{
		{
			Name: "stand-down-ignored-in-shipping", Tells: "shipping books although it has heard of the cancellation", Scope: cancelling, Property: standsDownInTime,
			Break: func(s *System) { forget[events.CancellationRequested](&s.Shipping) },
		},
		{
			Name: "stand-down-ignored-in-payment", Tells: "payment charges although it has heard of the cancellation", Scope: cancelling, Property: standsDownInTime,
			Break: func(s *System) { forget[events.CancellationRequested](&s.Payment) },
		},
		{
			Name: "stand-down-forgets-why", Tells: "a payment that stands down does not pass on why", Scope: cancelling, Property: standsDownInTime,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.CancellationRequested) (payment.Payment, events.CancellationRequested) {
					e.Reason = events.ReasonUnspecified
					return p, e
				}))
			},
		},
		{
			Name: "release-before-refund", Tells: "stock is released, and the order cancelled, while the refund is under way", Scope: refused, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoil(&s.Inventory, func(stock[events.ShipmentFailed]) stock[events.ShipmentFailed] {
					return func(r inventory.Reservation, e events.ShipmentFailed, out *flow.Out) inventory.Reservation {
						if r.Status != inventory.Reserved {
							return r
						}
						return released(shift(r, 1, -1), e.Reason, out)
					}
				})
			},
		},
	}
}

// earlyMutants tell that something is undone before it is.
func earlyMutants() []Mutant {
	type money[E any] = reaction[E, payment.Payment]
	return []Mutant{
		{
			Name: "refund-told-when-asked", Tells: "a refund is told when it is asked for, and not when it is done", Scope: refused, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoil(&s.Payment, func(own money[events.ShipmentFailed]) money[events.ShipmentFailed] {
					return func(p payment.Payment, e events.ShipmentFailed, out *flow.Out) payment.Payment {
						p = own(p, e, out)
						out.Emit(events.PaymentRefunded{OrderID: p.OrderID, PaymentID: p.ID, Amount: p.Due, Currency: p.Currency, Reason: p.Reason})
						return p
					}
				})
				spoilAnswer(&s.Payment, payment.Refund{}, func(money[payment.Refunded]) money[payment.Refunded] {
					return func(p payment.Payment, _ payment.Refunded, _ *flow.Out) payment.Payment {
						p.Status = payment.MoneyBack
						return p
					}
				})
			},
		},
		{
			Name: "void-told-when-asked", Tells: "a charge of unknown outcome is called failed before the void is confirmed", Scope: silent, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoilAnswer(&s.Payment, payment.Charge{}, func(own money[payment.Charged]) money[payment.Charged] {
					return func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
						if p = own(p, r, out); p.Status == payment.Voiding {
							out.Emit(events.PaymentFailed{OrderID: p.OrderID, PaymentID: p.ID, Reason: events.ReasonProviderUnavailable})
						}
						return p
					}
				})
				spoilAnswer(&s.Payment, payment.Void{}, func(money[payment.Voided]) money[payment.Voided] {
					return func(p payment.Payment, _ payment.Voided, _ *flow.Out) payment.Payment {
						p.Status = payment.Failed
						return p
					}
				})
			},
		},
	}
}
