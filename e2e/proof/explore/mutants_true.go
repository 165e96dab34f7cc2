package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// whyMutants do everything as they should, and give another reason than the
// true one. All that follows passes it on.
func whyMutants() []Mutant {
	return []Mutant{
		{
			Name: "deadline-told-as-the-customer", Tells: "an order whose time is up is said to be cancelled by the customer", Scope: impatient, Property: reasonsTrue,
			Break: func(s *System) {
				s.Order = replace(s.Order, free("order", flow.OnTimer[order.Deadline](altered[order.Deadline](s.Order, func(e events.CancellationRequested) any {
					e.Reason = events.ReasonCustomer
					return e
				}))))
			},
		},
		{
			Name: "given-up-told-as-declined", Tells: "a charge that is given up is told as a declined one", Scope: silent, Property: reasonsTrue,
			Break: func(s *System) {
				alterAnswer[payment.Charged](&s.Payment, payment.Charge{}, func(e events.PaymentFailed) any {
					e.Reason = events.ReasonDeclined
					return e
				})
			},
		},
		{
			Name: "declined-told-as-unavailable", Tells: "a card that is declined is told as a provider that could not be reached", Scope: declined, Property: reasonsTrue,
			Break: func(s *System) {
				alterAnswer[payment.Charged](&s.Payment, payment.Charge{}, func(e events.PaymentFailed) any {
					e.Reason = events.ReasonProviderUnavailable
					return e
				})
			},
		},
		{
			Name: "refused-told-as-unavailable", Tells: "a parcel that is refused is told as a carrier that could not be reached", Scope: refused, Property: reasonsTrue,
			Break: func(s *System) {
				alterAnswer[shipping.BookingAnswered](&s.Shipping, shipping.Book{}, func(e events.ShipmentFailed) any {
					e.Reason = events.ReasonCarrierUnavailable
					return e
				})
			},
		},
		{
			Name: "unbooked-told-as-refused", Tells: "a parcel that had to be unbooked is told as a refused one", Scope: silent, Property: reasonsTrue,
			Break: func(s *System) {
				alterAnswer[shipping.Unbooked](&s.Shipping, shipping.Unbook{}, func(e events.ShipmentFailed) any {
					e.Reason = events.ReasonCarrierRefused
					return e
				})
			},
		},
	}
}

// namelessMutants ask for what they should, and leave out whom it is about.
func namelessMutants() []Mutant {
	return []Mutant{
		{
			Name: "void-of-no-order", Tells: "a charge is voided without the order's id", Scope: silent, Property: askedAsOrdered,
			Break: func(s *System) {
				alterAnswer[payment.Charged](&s.Payment, payment.Charge{}, func(c payment.Void) any {
					c.OrderID = ""
					return c
				})
			},
		},
		{
			Name: "mail-without-order-and-reason", Tells: "the customer is told of a cancellation, and not of which order or why", Scope: stranger, Property: askedAsOrdered,
			Break: func(s *System) {
				alterEvent[events.OrderCancelled](&s.Email, func(m email.SendMail) any {
					m.OrderID, m.Reason = "", ""
					return m
				})
			},
		},
		{
			Name: "mail-without-reason", Tells: "the customer is told of a cancellation, and not why", Scope: stranger, Property: askedAsOrdered,
			Break: func(s *System) {
				whyNot := func(m email.SendMail) any {
					m.Reason = ""
					return m
				}
				alterEvent[events.OrderCancelled](&s.Email, whyNot)
				alterEvent[events.OrderPlaced](&s.Email, whyNot)
			},
		},
	}
}

// unheededMutants do nothing about a cancellation, and all ends well.
func unheededMutants() []Mutant {
	return []Mutant{
		{
			Name: "cancellation-answered-only", Tells: "a cancellation is accepted, and nobody is asked", Scope: cancelling, Property: cancellationsHeeded,
			Break: func(s *System) {
				spoilCommand(&s.Order, func(own reaction[order.CancelOrder, order.Order]) reaction[order.CancelOrder, order.Order] {
					return func(o order.Order, c order.CancelOrder, out *flow.Out) order.Order {
						if o.Status != order.Pending {
							return own(o, c, out)
						}
						out.Reply(order.Accepted{OrderID: o.ID, Status: o.Status})
						return o
					}
				})
			},
		},
		{
			Name: "cancellation-refused", Tells: "an order that is pending cannot be cancelled", Scope: cancelling, Property: cancellationsHeeded,
			Break: func(s *System) {
				spoilCommand(&s.Order, func(own reaction[order.CancelOrder, order.Order]) reaction[order.CancelOrder, order.Order] {
					return func(o order.Order, c order.CancelOrder, out *flow.Out) order.Order {
						if o.Status == order.Unknown {
							return own(o, c, out)
						}
						out.Reject(order.ErrTerminal)
						return o
					}
				})
			},
		},
		{
			Name: "deadline-slept-through", Tells: "an order's time is up, and nobody is asked", Scope: impatient, Property: cancellationsHeeded,
			Break: func(s *System) {
				s.Order = replace(s.Order, flow.OnTimer[order.Deadline](func(o order.Order, _ order.Deadline, _ *flow.Out) order.Order { return o }))
			},
		},
	}
}

// rejectionMutants tell something else of the stock than there is.
func rejectionMutants() []Mutant {
	rejecting := func(s *System, alter func(events.StockRejected) any) {
		alterEvent[events.OrderPlaced](&s.Inventory, alter)
	}
	return []Mutant{
		{
			Name: "rejected-although-in-stock", Tells: "stock is there, and rejected as if a carrier had refused it", Scope: smooth, Property: rejectionsTrue,
			Break: func(s *System) {
				spoil(&s.Inventory, func(reaction[events.OrderPlaced, inventory.Reservation]) reaction[events.OrderPlaced, inventory.Reservation] {
					return func(r inventory.Reservation, e events.OrderPlaced, out *flow.Out) inventory.Reservation {
						r.OrderID, r.Status = e.OrderID, inventory.Rejected
						out.Emit(events.StockRejected{OrderID: e.OrderID, Reason: events.ReasonCarrierRefused})
						return r
					}
				})
			},
		},
		{
			Name: "sold-out-told-as-declined", Tells: "an order that is out of stock is told as declined", Scope: soldOut, Property: rejectionsTrue,
			Break: func(s *System) {
				rejecting(s, func(e events.StockRejected) any {
					e.Reason = events.ReasonDeclined
					return e
				})
			},
		},
		{
			Name: "shortage-untold", Tells: "an order is rejected, and what is short is not told", Scope: soldOut, Property: rejectionsTrue,
			Break: func(s *System) {
				rejecting(s, func(e events.StockRejected) any {
					e.Shortages = nil
					return e
				})
			},
		},
	}
}
