package explore

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
)

// Equivalents are changes after which every property still holds, and why that
// must be so. They are the other half of the proof: a property that they
// violated would ask for more than the protocol promises.
func Equivalents() []Mutant { return slices.Concat(unneeded(), unlaned(), madeEquivalents()) }

// unneeded are about checks and stops that something else makes superfluous.
func unneeded() []Mutant {
	type money[E any] = reaction[E, payment.Payment]
	return []Mutant{
		{
			Name: "hand-over-whatever", Tells: "inventory hands over without a look at the reservation's status", Scope: wide,
			Why: "ShipmentCreated is told once, after the payment and hence the reservation, and nothing is released after it",
			Break: func(s *System) {
				spoil(&s.Inventory, hearing(func(r inventory.Reservation, e events.ShipmentCreated) (inventory.Reservation, events.ShipmentCreated) {
					r.Status = inventory.Reserved
					return r, e
				}))
			},
		},
		{
			Name: "refund-asked-twice", Tells: "a refund is asked for twice under one key", Scope: wide,
			Why: "the provider does nothing twice under one key, and payment takes the first answer only",
			Break: func(s *System) {
				spoil(&s.Payment, func(own money[events.ShipmentFailed]) money[events.ShipmentFailed] {
					return func(p payment.Payment, e events.ShipmentFailed, out *flow.Out) payment.Payment {
						before := p.Status
						if p = own(p, e, out); before == payment.Paid {
							out.Call(payment.Refund{PaymentID: p.ID, OrderID: p.OrderID, Amount: p.Due})
						}
						return p
					}
				})
			},
		},
		{
			Name: "refund-whatever", Tells: "payment gives back without a look at its own status", Scope: wide,
			Why: "ShipmentFailed is told once, and only after PaymentProcessed: whoever hears it is paid",
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.ShipmentFailed) (payment.Payment, events.ShipmentFailed) {
					p.Status = payment.Paid
					return p, e
				}))
			},
		},
		{
			Name: "deadline-runs-on", Tells: "the deadline of an order that has ended is not stopped", Scope: wide,
			Why:   "an order that is not pending asks nobody to cancel: to stop the timer saves a row, and no more",
			Break: neverStop,
		},
	}
}

// unlaned are about the order of records, and what counts on it.
func unlaned() []Mutant {
	return []Mutant{
		{
			Name: "no-lanes", Tells: "one owner's records of one order are taken in any order", Scope: wide,
			Why:   "no reaction of the five counts on it: what is missing is waited for, and what has ended stays so. The order of what people are shown is the lanes', and no property",
			Break: func(s *System) { s.Kit.Lanes = false },
		},
		{
			Name: "no-lanes-for-mail", Tells: "the same, for the mails of a foreign order", Scope: stranger,
			Why:   "email keeps an end that it hears of first until the address is there",
			Break: func(s *System) { s.Kit.Lanes = false },
		},
		{
			Name: "mail-drops-early-end", Tells: "an end that is heard of before the address is not mailed", Scope: stranger,
			Why:   "an order and its end are records of one lane: the end never comes first. With broken lanes this is mail-nowhere, which is caught",
			Break: dropEarlyEnd,
		},
		{
			Name: "mail-refuses-early-end", Tells: "an end that is heard of before the order is refused", Scope: stranger,
			Why:   "as above. With broken lanes this is mail-insists-on-order, which is caught",
			Break: refuseEarlyEnd,
		},
	}
}

// neverStop ends orders as production does, and lets their deadlines run.
func neverStop(s *System) {
	type own[E any] = reaction[E, order.Order]
	end := func(o order.Order, status order.Status, reason events.Reason, after string, e flow.Event, out *flow.Out) order.Order {
		o = shows(o, after, reason, out)
		if o.Status.Terminal() {
			return o
		}
		out.Emit(e)
		return ends(o, status, reason, nameOf(e), out)
	}
	spoil(&s.Order, func(own[events.StockRejected]) own[events.StockRejected] {
		return func(o order.Order, e events.StockRejected, out *flow.Out) order.Order {
			return end(o, order.Cancelled, e.Reason, nameOf(e), events.OrderCancelled{OrderID: o.ID, Reason: e.Reason}, out)
		}
	})
	spoil(&s.Order, func(own[events.StockReleased]) own[events.StockReleased] {
		return func(o order.Order, e events.StockReleased, out *flow.Out) order.Order {
			return end(o, order.Cancelled, e.Reason, nameOf(e), events.OrderCancelled{OrderID: o.ID, Reason: e.Reason}, out)
		}
	})
	spoil(&s.Order, func(own[events.ShipmentCreated]) own[events.ShipmentCreated] {
		return func(o order.Order, e events.ShipmentCreated, out *flow.Out) order.Order {
			return end(o, order.Completed, "", nameOf(e), events.OrderCompleted{OrderID: o.ID}, out)
		}
	})
}
