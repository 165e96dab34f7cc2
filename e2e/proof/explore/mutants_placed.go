package explore

import (
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/order"
)

// placedMutants take an order for another than the customer's. Everybody goes by
// what they publish.
func placedMutants() []Mutant {
	type place = reaction[order.PlaceOrder, order.Order]
	published := func(s *System, alter func(events.OrderPlaced) any) {
		own := altered[order.PlaceOrder](s.Order, alter)
		spoilCommand(&s.Order, func(place) place { return own })
	}
	return []Mutant{
		{
			Name: "placed-to-another-mailbox", Tells: "an order is published with the customer's id where the mail address belongs", Scope: smooth, Property: placedAsAsked,
			Break: func(s *System) {
				published(s, func(e events.OrderPlaced) any {
					e.Email = e.CustomerID
					return e
				})
			},
		},
		{
			Name: "placed-in-another-currency", Tells: "every order is published as one in dollars", Scope: smooth, Property: placedAsAsked,
			Break: func(s *System) {
				published(s, func(e events.OrderPlaced) any {
					e.Currency = "USD"
					return e
				})
			},
		},
		{
			Name: "placed-to-the-depot", Tells: "an order is published without its address", Scope: smooth, Property: placedAsAsked,
			Break: func(s *System) {
				published(s, func(e events.OrderPlaced) any {
					e.ShippingAddress = nil
					return e
				})
			},
		},
		{
			Name: "kept-with-another-total", Tells: "the customer is shown another total than he pays", Scope: smooth, Property: placedAsAsked,
			Break: func(s *System) {
				spoilCommand(&s.Order, keeping[order.PlaceOrder](func(o order.Order) order.Order {
					o.Total++
					return o
				}))
			},
		},
		{
			Name: "time-without-end", Tells: "an order may take a thousand times as long as it was given", Scope: smooth, Property: placedAsAsked,
			Break: func(s *System) {
				spoilCommand(&s.Order, hearing(func(o order.Order, c order.PlaceOrder) (order.Order, order.PlaceOrder) {
					c.Deadline *= 1000
					return o, c
				}))
			},
		},
		{
			Name: "time-stopped", Tells: "an order's deadline is stopped when its stock is reserved", Scope: impatient, Property: cancellationsHeeded,
			Break: func(s *System) {
				spoil(&s.Order, func(own reaction[events.StockReserved, order.Order]) reaction[events.StockReserved, order.Order] {
					return func(o order.Order, e events.StockReserved, out *flow.Out) order.Order {
						out.StopTimer(order.Deadline{})
						return own(o, e, out)
					}
				})
			},
		},
	}
}

// answeredMutants tell the customer what is not so.
func answeredMutants() []Mutant {
	type cancel = reaction[order.CancelOrder, order.Order]
	return []Mutant{
		{
			Name: "cancel-nobodys-order", Tells: "an order that nobody placed can be cancelled, and is there then", Scope: cancelling, Property: customerAnswered,
			Break: func(s *System) {
				spoilCommand(&s.Order, hearing(func(o order.Order, c order.CancelOrder) (order.Order, order.CancelOrder) {
					if o.Status == order.Unknown {
						o.ID, o.Status, o.PlacedAt = c.OrderID, order.Pending, time.Unix(0, 0).UTC()
					}
					return o, c
				}))
			},
		},
		{
			Name: "cancelled-it-says", Tells: "who asks for a cancellation is told that the order is cancelled", Scope: cancelling, Property: customerAnswered,
			Break: func(s *System) {
				spoilCommand(&s.Order, func(own cancel) cancel {
					return func(o order.Order, c order.CancelOrder, out *flow.Out) order.Order {
						o = own(o, c, out)
						out.Reply(order.Accepted{OrderID: o.ID, Status: order.Cancelled})
						return o
					}
				})
			},
		},
		{
			Name: "completed-for-a-reason", Tells: "an order that completes all the same is shown with the reason of its cancellation", Scope: cancelling, Property: oneEndTold,
			Break: func(s *System) {
				spoil(&s.Order, func(own reaction[events.ShipmentCreated, order.Order]) reaction[events.ShipmentCreated, order.Order] {
					return func(o order.Order, e events.ShipmentCreated, out *flow.Out) order.Order {
						why := o.Reason
						o = own(o, e, out)
						o.Reason = why
						return o
					}
				})
			},
		},
	}
}
