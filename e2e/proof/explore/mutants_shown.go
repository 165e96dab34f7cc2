package explore

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// shownMutants do all that they should, and show something else to the customer,
// or to whoever helps him.
func shownMutants() []Mutant {
	orders := func(s *System, alter func(before, after order.Order) order.Order) {
		spoil(&s.Order, func(own reaction[events.PaymentFailed, order.Order]) reaction[events.PaymentFailed, order.Order] {
			return func(o order.Order, e events.PaymentFailed, out *flow.Out) order.Order {
				return alter(o, own(o, e, out))
			}
		})
	}
	placing := func(s *System, alter func(order.Order) order.Order) {
		spoilCommand(&s.Order, func(own reaction[order.PlaceOrder, order.Order]) reaction[order.PlaceOrder, order.Order] {
			return func(o order.Order, c order.PlaceOrder, out *flow.Out) order.Order { return alter(own(o, c, out)) }
		})
	}
	last := func(o order.Order, alter func(*order.Step)) order.Order {
		o.Progress = slices.Clone(o.Progress)
		alter(&o.Progress[len(o.Progress)-1])
		return o
	}
	return []Mutant{
		{
			Name: "failure-without-reason", Tells: "the customer is shown that a payment failed, and not why", Scope: declined, Property: shownAsTold,
			Break: func(s *System) {
				orders(s, func(_, o order.Order) order.Order { return last(o, func(step *order.Step) { step.Why = "" }) })
			},
		},
		{
			Name: "failure-when-placed", Tells: "the customer is shown that a payment failed when the order was placed", Scope: declined, Property: shownAsTold,
			Break: func(s *System) {
				orders(s, func(_, o order.Order) order.Order {
					return last(o, func(step *order.Step) { step.At = o.PlacedAt.AddDate(0, 0, -1) })
				})
			},
		},
		{
			Name: "newest-first", Tells: "what happened last is put before what the customer was shown already", Scope: declined, Property: shownAsTold,
			Break: func(s *System) {
				orders(s, func(before, o order.Order) order.Order {
					n := len(before.Progress)
					o.Progress = slices.Concat(o.Progress[n:], before.Progress)
					return o
				})
			},
		},
		{
			Name: "placed-elsewhere", Tells: "an order that is placed here is shown as a foreign one", Scope: smooth, Property: shownAsTold,
			Break: func(s *System) {
				placing(s, func(o order.Order) order.Order {
					o.External = true
					return o
				})
			},
		},
		{
			Name: "placed-at-no-time", Tells: "an order is shown without the time at which it was placed", Scope: smooth, Property: shownAsTold,
			Break: func(s *System) {
				placing(s, func(o order.Order) order.Order {
					o.PlacedAt = later
					return o
				})
			},
		},
		{
			Name: "cancelling-for-nothing", Tells: "while an order is being cancelled nobody is shown why", Scope: cancelling, Property: shownAsTold,
			Break: func(s *System) {
				spoilCommand(&s.Order, keeping[order.CancelOrder](func(o order.Order) order.Order {
					o.Reason = ""
					return o
				}))
			},
		},
		{
			Name: "anonymous-order", Tells: "a foreign order that is known by its payment first is kept without its id", Scope: watched, Property: nothingParks,
			Break: func(s *System) {
				spoil(&s.Order, hearing(func(o order.Order, e events.PaymentProcessed) (order.Order, events.PaymentProcessed) {
					e.OrderID = ""
					return o, e
				}))
			},
		},
		{
			Name: "payment-failed-for-nothing", Tells: "a payment that failed is kept without the reason", Scope: declined, Property: shownAsTold,
			Break: func(s *System) {
				spoilAnswer(&s.Payment, payment.Charge{}, keeping[payment.Charged](func(p payment.Payment) payment.Payment {
					p.Reason = ""
					return p
				}))
			},
		},
		{
			Name: "nothing-was-due", Tells: "a payment that was given back is shown as one of nothing", Scope: refused, Property: shownAsTold,
			Break: func(s *System) {
				spoilAnswer(&s.Payment, payment.Refund{}, keeping[payment.Refunded](func(p payment.Payment) payment.Payment {
					p.Due = 0
					return p
				}))
			},
		},
		{
			Name: "tracking-not-kept", Tells: "a shipment is shown without its tracking number", Scope: smooth, Property: shownAsTold,
			Break: func(s *System) {
				spoilAnswer(&s.Shipping, shipping.Book{}, keeping[shipping.BookingAnswered](func(x shipping.Shipment) shipping.Shipment {
					x.TrackingNumber = ""
					return x
				}))
			},
		},
		{
			Name: "newest-notice-first", Tells: "the mail about the end is shown before the one about the beginning", Scope: mailed, Property: shownAsTold,
			Break: func(s *System) {
				spoil(&s.Email, func(own reaction[events.OrderCompleted, email.Mailbox]) reaction[events.OrderCompleted, email.Mailbox] {
					return func(m email.Mailbox, e events.OrderCompleted, out *flow.Out) email.Mailbox {
						n := len(m.Notices)
						m = own(m, e, out)
						m.Notices = slices.Concat(m.Notices[n:], m.Notices[:n])
						return m
					}
				})
			},
		},
		{
			Name: "sent-with-a-cause", Tells: "a mail that was sent is shown with a cause of failure", Scope: mailed, Property: shownAsTold,
			Break: func(s *System) {
				spoilAnswer(&s.Email, email.SendMail{}, func(own reaction[email.MailAnswered, email.Mailbox]) reaction[email.MailAnswered, email.Mailbox] {
					return func(m email.Mailbox, r email.MailAnswered, out *flow.Out) email.Mailbox {
						m = own(m, r, out)
						for i := range m.Notices {
							if m.Notices[i].ID == r.NotificationID {
								m.Notices[i].Cause = events.CauseUnknown
							}
						}
						return m
					}
				})
			},
		},
	}
}
