package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// keyMutants call what belongs to one order by a name that is every order's.
// Alone, each order goes as it should.
func keyMutants() []Mutant {
	return []Mutant{
		{
			Name: "one-payment-for-all", Tells: "all orders are charged under one key", Scope: smooth, Property: oneName,
			Break: func(s *System) {
				own := altered[events.OrderPlaced](s.Payment, func(c payment.Charge) any {
					c.PaymentID = "payment"
					return c
				})
				spoil(&s.Payment, func(reaction[events.OrderPlaced, payment.Payment]) reaction[events.OrderPlaced, payment.Payment] {
					return func(p payment.Payment, e events.OrderPlaced, out *flow.Out) payment.Payment {
						p = own(p, e, out)
						p.ID = "payment"
						return p
					}
				})
			},
		},
		{
			Name: "one-parcel-per-customer", Tells: "all orders of a customer are booked under one key", Scope: smooth, Property: oneName,
			Break: func(s *System) {
				key := "parcel of " + customer
				own := altered[events.OrderPlaced](s.Shipping, func(b shipping.Book) any {
					b.ShipmentID = key
					return b
				})
				spoil(&s.Shipping, func(reaction[events.OrderPlaced, shipping.Shipment]) reaction[events.OrderPlaced, shipping.Shipment] {
					return func(x shipping.Shipment, e events.OrderPlaced, out *flow.Out) shipping.Shipment {
						x = own(x, e, out)
						x.ID = key
						return x
					}
				})
			},
		},
		{
			Name: "one-mail-of-a-kind", Tells: "all customers are welcomed with one mail", Scope: mailed, Property: oneName,
			Break: func(s *System) {
				own := altered[events.OrderPlaced](s.Email, func(m email.SendMail) any {
					m.NotificationID = "welcome"
					return m
				})
				spoil(&s.Email, func(reaction[events.OrderPlaced, email.Mailbox]) reaction[events.OrderPlaced, email.Mailbox] {
					return func(m email.Mailbox, e events.OrderPlaced, out *flow.Out) email.Mailbox {
						m = own(m, e, out)
						for i := range m.Notices {
							if m.Notices[i].Kind == events.KindOrderPlaced {
								m.Notices[i].ID = "welcome"
							}
						}
						return m
					}
				})
			},
		},
	}
}
