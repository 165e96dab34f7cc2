package explore

import (
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// toldMutants do everything as they should, and tell something else.
func toldMutants() []Mutant {
	return []Mutant{
		{
			Name: "half-the-price-told", Tells: "half of what was taken is told", Scope: smooth, Property: moneyToldRight,
			Break: func(s *System) {
				alterAnswer[payment.Charged](&s.Payment, payment.Charge{}, func(e events.PaymentProcessed) any {
					e.Amount /= 2
					return e
				})
			},
		},
		{
			Name: "refund-of-no-currency", Tells: "a refund is told without its currency", Scope: refused, Property: moneyToldRight,
			Break: func(s *System) {
				alterAnswer[payment.Refunded](&s.Payment, payment.Refund{}, func(e events.PaymentRefunded) any {
					e.Currency = ""
					return e
				})
			},
		},
		{
			Name: "failure-of-another-payment", Tells: "a payment that fails is told under the order's id", Scope: declined, Property: oneName,
			Break: func(s *System) {
				alterAnswer[payment.Charged](&s.Payment, payment.Charge{}, func(e events.PaymentFailed) any {
					e.PaymentID = e.OrderID
					return e
				})
			},
		},
		{
			Name: "failure-of-no-shipment", Tells: "a shipment that fails is told without its id", Scope: refused, Property: oneName,
			Break: func(s *System) {
				alterAnswer[shipping.BookingAnswered](&s.Shipping, shipping.Book{}, func(e events.ShipmentFailed) any {
					e.ShipmentID = ""
					return e
				})
			},
		},
		{
			Name: "notification-renamed", Tells: "a mail is told under another id than it was sent under", Scope: mailed, Property: oneName,
			Break: func(s *System) {
				alterAnswer[email.MailAnswered](&s.Email, email.SendMail{}, func(e events.NotificationSent) any {
					e.NotificationID += "/sent"
					return e
				})
			},
		},
	}
}

// trackingMutants tell of a parcel that the carrier does not know.
func trackingMutants() []Mutant {
	return []Mutant{
		{
			Name: "tracking-made-up", Tells: "the shipment's id is told for a tracking number", Scope: smooth, Property: parcelsToldRight,
			Break: func(s *System) {
				alterAnswer[shipping.BookingAnswered](&s.Shipping, shipping.Book{}, func(e events.ShipmentCreated) any {
					e.TrackingNumber = e.ShipmentID
					return e
				})
			},
		},
		{
			Name: "tracking-of-collected-lost", Tells: "a parcel that was collected before it could be unbooked is told without its tracking number", Scope: collected, Property: parcelsToldRight,
			Break: func(s *System) {
				alterAnswer[shipping.Unbooked](&s.Shipping, shipping.Unbook{}, func(e events.ShipmentCreated) any {
					e.TrackingNumber = ""
					return e
				})
			},
		},
	}
}

// askedMutants ask the outside world for something else than was ordered.
func askedMutants() []Mutant {
	return []Mutant{
		{
			Name: "charge-in-another-currency", Tells: "as many euros are charged as dollars are due", Scope: smooth, Property: askedAsOrdered,
			Break: func(s *System) {
				inEuros := func(c payment.Charge) any {
					c.Currency = "USD"
					return c
				}
				alterEvent[events.OrderPlaced](&s.Payment, inEuros)
				alterEvent[events.StockReserved](&s.Payment, inEuros)
			},
		},
		{
			Name: "parcel-to-the-depot", Tells: "a parcel is booked without the customer's address", Scope: smooth, Property: askedAsOrdered,
			Break: func(s *System) {
				nowhere := func(b shipping.Book) any {
					b.Address = nil
					return b
				}
				alterEvent[events.OrderPlaced](&s.Shipping, nowhere)
				alterEvent[events.PaymentProcessed](&s.Shipping, nowhere)
			},
		},
		{
			Name: "mail-to-another", Tells: "the first mail goes to somebody else", Scope: mailed, Property: askedAsOrdered,
			Break: func(s *System) {
				alterEvent[events.OrderPlaced](&s.Email, func(m email.SendMail) any {
					m.To = "somebody@example.org"
					return m
				})
			},
		},
	}
}
