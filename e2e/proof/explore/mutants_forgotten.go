package explore

import (
	"maps"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// forgottenMutants knew it once.
func forgottenMutants() []Mutant {
	return []Mutant{
		{
			Name: "charged-after-all", Tells: "payment forgets that it has stood down, and charges", Scope: cancelling, Property: standsDownInTime,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.StockReserved) (payment.Payment, events.StockReserved) {
					if p.Placed {
						p.CancelRequested, p.Reason = false, ""
					}
					return p, e
				}))
			},
		},
		{
			Name: "booked-after-all", Tells: "shipping forgets that it has stood down, and books", Scope: cancelling, Property: standsDownInTime,
			Break: func(s *System) {
				spoil(&s.Shipping, hearing(func(x shipping.Shipment, e events.PaymentProcessed) (shipping.Shipment, events.PaymentProcessed) {
					x.CancelRequested, x.Reason = false, ""
					return x, e
				}))
			},
		},
		{
			Name: "one-payment-unless-reserved", Tells: "all orders that are heard of before their stock are charged under one key", Scope: smooth, Property: oneName,
			Break: func(s *System) {
				spoil(&s.Payment, func(own reaction[events.OrderPlaced, payment.Payment]) reaction[events.OrderPlaced, payment.Payment] {
					return func(p payment.Payment, e events.OrderPlaced, out *flow.Out) payment.Payment {
						held := p.Held
						if p = own(p, e, out); !held {
							p.ID = "payment"
						}
						return p
					}
				})
			},
		},
		{
			Name: "second-floor-forgotten", Tells: "the second line of an address is left out", Scope: smooth, Property: askedAsOrdered,
			Break: func(s *System) {
				spoil(&s.Shipping, hearing(func(x shipping.Shipment, e events.OrderPlaced) (shipping.Shipment, events.OrderPlaced) {
					short := *e.ShippingAddress
					short.Line2 = nil
					e.ShippingAddress = &short
					return x, e
				}))
			},
		},
		{
			Name: "dear-order-made-cheap", Tells: "of an amount the upper half is forgotten", Scope: dear, Property: moneyToldRight,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.OrderPlaced) (payment.Payment, events.OrderPlaced) {
					e.Total = int64(int32(e.Total))
					return p, e
				}))
			},
		},
		{
			Name: "nobody-is-told-nothing", Tells: "an order without a mail address counts as one that is not known yet", Scope: dear, Property: customerTold,
			Break: func(s *System) {
				spoil(&s.Email, func(own reaction[events.OrderPlaced, email.Mailbox]) reaction[events.OrderPlaced, email.Mailbox] {
					return func(m email.Mailbox, e events.OrderPlaced, out *flow.Out) email.Mailbox {
						if e.Email == "" {
							return m
						}
						return own(m, e, out)
					}
				})
			},
		},
		{
			Name: "time-begins-anew", Tells: "an order's time begins anew when its stock is reserved", Scope: impatient, Property: placedAsAsked,
			Break: func(s *System) {
				spoil(&s.Order, func(own reaction[events.StockReserved, order.Order]) reaction[events.StockReserved, order.Order] {
					return func(o order.Order, e events.StockReserved, out *flow.Out) order.Order {
						out.StopTimer(order.Deadline{})
						out.StartTimer(time.Hour, order.Deadline{})
						return own(o, e, out)
					}
				})
			},
		},
		{
			Name: "cancelled-once-only", Tells: "who asks again for a cancellation is told that the order has ended", Scope: cancelling, Property: customerAnswered,
			Break: func(s *System) {
				spoilCommand(&s.Order, func(own reaction[order.CancelOrder, order.Order]) reaction[order.CancelOrder, order.Order] {
					return func(o order.Order, c order.CancelOrder, out *flow.Out) order.Order {
						if o.Status == order.Cancelling {
							out.Reject(order.ErrTerminal)
							return o
						}
						return own(o, c, out)
					}
				})
			},
		},
		{
			Name: "eves-payment", Tells: "a payment that has failed takes its amount from a second record of the order", Scope: twiceDeclined, Property: endsStand,
			Break: func(s *System) {
				spoil(&s.Payment, hearing(func(p payment.Payment, e events.OrderPlaced) (payment.Payment, events.OrderPlaced) {
					if p.Status == payment.Failed {
						p.Due, p.Currency = e.Total, e.Currency
					}
					return p, e
				}))
			},
		},
	}
}

// suppliedMutants are about deliveries that do not go as usual.
func suppliedMutants() []Mutant {
	type receive = reaction[inventory.ReceiveStock, inventory.Reservation]
	return []Mutant{
		{
			Name: "delivery-turned-away", Tells: "nothing is received while something is reserved", Scope: supplied, Property: stockAddsUp,
			Break: func(s *System) {
				spoilCommand(&s.Inventory, func(own receive) receive {
					return func(r inventory.Reservation, c inventory.ReceiveStock, out *flow.Out) inventory.Reservation {
						if r.Levels[c.SKU].Reserved > 0 {
							out.Reject(inventory.ErrTooMuchStock)
							return r
						}
						return own(r, c, out)
					}
				})
			},
		},
		{
			Name: "one-piece-of-three", Tells: "of a delivery one piece is received", Scope: supplied, Property: stockAddsUp,
			Break: func(s *System) {
				spoilCommand(&s.Inventory, hearing(func(r inventory.Reservation, c inventory.ReceiveStock) (inventory.Reservation, inventory.ReceiveStock) {
					c.Quantity = 1
					return r, c
				}))
			},
		},
		{
			Name: "level-of-before", Tells: "a delivery is answered with the level from before it", Scope: supplied, Property: stockAddsUp,
			Break: func(s *System) {
				spoilCommand(&s.Inventory, func(own receive) receive {
					return func(r inventory.Reservation, c inventory.ReceiveStock, out *flow.Out) inventory.Reservation {
						before := maps.Clone(r.Levels)
						r = own(r, c, out)
						out.Reply(inventory.Stock{SKU: c.SKU, Level: before[c.SKU]})
						return r
					}
				})
			},
		},
	}
}
