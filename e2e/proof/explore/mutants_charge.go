package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/payment"
)

// unlike settles a charge as if its outcome were another one.
func unlike(was, is payment.Outcome) func(*System) {
	return func(s *System) {
		spoilAnswer(&s.Payment, payment.Charge{}, hearing(func(p payment.Payment, r payment.Charged) (payment.Payment, payment.Charged) {
			if r.Outcome == was {
				r.Outcome = is
			}
			return p, r
		}))
	}
}

// atUnknown settles a charge of unknown outcome in another way.
func atUnknown(do func(payment.Payment, *flow.Out) payment.Payment) func(*System) {
	return func(s *System) {
		spoilAnswer(&s.Payment, payment.Charge{}, func(own reaction[payment.Charged, payment.Payment]) reaction[payment.Charged, payment.Payment] {
			return func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
				if r.Outcome == payment.Unknown {
					return do(p, out)
				}
				return own(p, r, out)
			}
		})
	}
}

// chargeMutants are about what the provider answered, and what it did not.
func chargeMutants() []Mutant {
	return []Mutant{
		{
			Name: "unknown-is-declined", Tells: "a charge of unknown outcome counts as declined", Scope: silent, Property: cancelledIsUndone,
			Break: unlike(payment.Unknown, payment.Declined),
		},
		{
			Name: "unknown-is-given-up", Tells: "a charge of unknown outcome counts as given up", Scope: silent, Property: cancelledIsUndone,
			Break: unlike(payment.Unknown, payment.GivenUp),
		},
		{
			Name: "unknown-is-approved", Tells: "a charge of unknown outcome counts as approved", Scope: silent, Property: paidParcelsOnly,
			Break: unlike(payment.Unknown, payment.Approved),
		},
		{
			Name: "declined-is-approved", Tells: "a declined card counts as charged", Scope: declined, Property: paidParcelsOnly,
			Break: unlike(payment.Declined, payment.Approved),
		},
		{
			Name: "charge-again-anew", Tells: "after an unknown outcome the charge is repeated under a new key", Scope: silent, Property: oneName,
			Break: atUnknown(func(p payment.Payment, out *flow.Out) payment.Payment {
				p.ID = out.ID("again")
				return charging(p, out)
			}),
		},
		{
			Name: "charge-in-instalments", Tells: "the total is taken in two charges under two keys", Scope: smooth, Property: oneName,
			Break: inInstalments,
		},
	}
}

// voidMutants are about how a charge is undone.
func voidMutants() []Mutant {
	type own[E any] = reaction[E, payment.Payment]
	return []Mutant{
		{
			Name: "void-another-key", Tells: "the void goes out under a key of its own, and leaves its tombstone there", Scope: silent, Property: oneName,
			Break: atUnknown(func(p payment.Payment, out *flow.Out) payment.Payment {
				p.Status = payment.Voiding
				out.Call(payment.Void{PaymentID: out.ID("void"), OrderID: p.OrderID})
				return p
			}),
		},
		{
			Name: "refund-for-void", Tells: "a charge of unknown outcome is refunded and not voided, which the provider refuses while nothing is taken", Scope: silent, Property: NoTrap,
			Break: refundForVoid,
		},
		{
			Name: "void-is-silent", Tells: "a void that is confirmed is told nobody", Scope: silent, Property: everyOrderEnds,
			Break: func(s *System) {
				spoilAnswer(&s.Payment, payment.Void{}, func(own[payment.Voided]) own[payment.Voided] {
					return func(p payment.Payment, _ payment.Voided, _ *flow.Out) payment.Payment {
						p.Status = payment.Failed
						return p
					}
				})
			},
		},
		{
			Name: "payment-renamed", Tells: "an order that is published a second time gives its payment another key", Scope: twice, Property: askedAsOrdered,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.OrderPlaced) (payment.Payment, events.OrderPlaced) {
					p.Placed = false
					return p, e
				}))
			},
		},
	}
}

func inInstalments(s *System) {
	spoilAnswer(&s.Payment, payment.Charge{}, func(own reaction[payment.Charged, payment.Payment]) reaction[payment.Charged, payment.Payment] {
		return func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
			if r.Outcome == payment.Approved && p.Due == smooth.total()/2 {
				p.ID = out.ID("second instalment")
				p = charging(p, out)
				p.Due = smooth.total()
				return p
			}
			return own(p, r, out)
		}
	})
	spoil(&s.Payment, hearing(func(p payment.Payment, e events.OrderPlaced) (payment.Payment, events.OrderPlaced) {
		e.Total /= 2
		return p, e
	}))
}

func refundForVoid(s *System) {
	alterAnswer[payment.Charged](&s.Payment, payment.Charge{}, func(v payment.Void) any {
		return payment.Refund{PaymentID: v.PaymentID, OrderID: v.OrderID, Amount: smooth.total()}
	})
	spoilAnswer(&s.Payment, payment.Refund{}, func(own reaction[payment.Refunded, payment.Payment]) reaction[payment.Refunded, payment.Payment] {
		voided := original[payment.Voided](s.Payment)
		return func(p payment.Payment, r payment.Refunded, out *flow.Out) payment.Payment {
			if p.Status == payment.Voiding {
				return voided(p, payment.Voided{}, out)
			}
			return own(p, r, out)
		}
	})
}
