package explore

import (
	"slices"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// readersMutants were thought of by a third reader, who had written no property. None of
// them was noticed then.
func readersMutants() []Mutant {
	return []Mutant{
		{
			Name: "declined-is-voided", Tells: "a declined charge is voided, and told as one of unknown outcome", Scope: declined, Property: answersTold,
			Break: func(s *System) {
				spoilAnswer(&s.Payment, payment.Charge{}, hearing(func(p payment.Payment, r payment.Charged) (payment.Payment, payment.Charged) {
					if r.Outcome == payment.Declined {
						r.Outcome = payment.Unknown
					}
					return p, r
				}))
			},
		},
		{
			Name: "given-up-is-unbooked", Tells: "a booking that was never made is undone, for as long as the carrier is away", Scope: spent, Property: answersTold,
			Break: func(s *System) {
				spoilAnswer(&s.Shipping, shipping.Book{}, hearing(func(p shipping.Shipment, r shipping.BookingAnswered) (shipping.Shipment, shipping.BookingAnswered) {
					if r.Outcome == shipping.GivenUp {
						r.Outcome = shipping.Unknown
					}
					return p, r
				}))
			},
		},
		{
			Name: "cancelled-when-placed", Tells: "an order is shown as cancelled at the moment at which it was placed", Scope: declined, Property: shownAsTold,
			Break: func(s *System) {
				spoil(&s.Order, keeping[events.StockReleased](func(o order.Order) order.Order {
					o.Progress = slices.Clone(o.Progress)
					o.Progress[len(o.Progress)-1].At = o.PlacedAt
					return o
				}))
			},
		},
		{
			Name: "foreign-order-born-cancelling", Tells: "an order of somebody else's is shown as cancelling, and nobody asked", Scope: watched, Property: shownAsTold,
			Break: func(s *System) {
				spoil(&s.Order, keeping[events.StockReserved](func(o order.Order) order.Order {
					if o.Status == order.Pending {
						o.Status = order.Cancelling
					}
					return o
				}))
			},
		},
		{
			Name: "closed-forgets-why", Tells: "a payment that stood down forgets why when its order is cancelled", Scope: soldOutCancelled, Property: standsDownInTime,
			Break: func(s *System) {
				spoil(&s.Payment, keeping[events.OrderCancelled](func(p payment.Payment) payment.Payment {
					p.Reason = ""
					return p
				}))
			},
		},
		{
			Name: "closed-shipment-renamed", Tells: "a shipment that was closed takes its id and address from a second publication", Scope: twiceMailed, Property: endsStand,
			Break: func(s *System) {
				spoil(&s.Shipping, hearing(func(p shipping.Shipment, e events.OrderPlaced) (shipping.Shipment, events.OrderPlaced) {
					if p.Status == shipping.Closed {
						p.Placed = false
					}
					return p, e
				}))
			},
		},
	}
}
