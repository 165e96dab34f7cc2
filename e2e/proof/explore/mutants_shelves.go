package explore

import (
	"maps"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
)

// pieces are lines of one SKU.
func pieces(n int64) []inventory.Line { return []inventory.Line{{SKU: sku, Quantity: n}} }

// sharedMutants move with an order's stock all that there is. As long as no
// other order holds any, that is the same.
func sharedMutants() []Mutant {
	type own[E any] = reaction[E, inventory.Reservation]
	return []Mutant{
		{
			Name: "release-everybodys", Tells: "with an order's stock all that is reserved is released", Scope: twoPieces, Property: stockAddsUp,
			Break: func(s *System) {
				spoil(&s.Inventory, func(own own[events.PaymentFailed]) own[events.PaymentFailed] {
					return func(r inventory.Reservation, e events.PaymentFailed, out *flow.Out) inventory.Reservation {
						ordered := r.Lines
						r.Lines = pieces(r.Levels[sku].Reserved)
						r = own(r, e, out)
						r.Lines = ordered
						return r
					}
				})
			},
		},
		{
			Name: "hand-over-everybodys", Tells: "with an order's stock all that is reserved is handed over", Scope: twoPieces, Property: stockAddsUp,
			Break: func(s *System) {
				spoil(&s.Inventory, func(own own[events.ShipmentCreated]) own[events.ShipmentCreated] {
					return func(r inventory.Reservation, e events.ShipmentCreated, out *flow.Out) inventory.Reservation {
						ordered := r.Lines
						r.Lines = pieces(r.Levels[sku].Reserved)
						r = own(r, e, out)
						r.Lines = ordered
						return r
					}
				})
			},
		},
		{
			Name: "reserve-the-shelf", Tells: "an order is reserved all that is on hand", Scope: twoPieces, Property: shownAsTold,
			Break: func(s *System) {
				spoil(&s.Inventory, hearing(func(r inventory.Reservation, e events.OrderPlaced) (inventory.Reservation, events.OrderPlaced) {
					if free := r.Levels[sku].OnHand; free > 0 {
						e.Lines = []events.OrderLine{{SKU: sku, Quantity: int32(free)}}
					}
					return r, e
				}))
			},
		},
	}
}

// broughtMutants are about what a supplier delivers.
func broughtMutants() []Mutant {
	type receive = reaction[inventory.ReceiveStock, inventory.Reservation]
	return []Mutant{
		{
			Name: "shelf-cleared", Tells: "a delivery forgets what is reserved and shipped", Scope: supplied, Property: stockAddsUp,
			Break: func(s *System) {
				spoilCommand(&s.Inventory, func(receive) receive {
					return func(r inventory.Reservation, c inventory.ReceiveStock, out *flow.Out) inventory.Reservation {
						r.Levels = maps.Clone(r.Levels)
						r.Levels[c.SKU] = inventory.Level{OnHand: c.Quantity, Received: c.Quantity}
						out.Reply(inventory.Stock{SKU: c.SKU, Level: r.Levels[c.SKU]})
						return r
					}
				})
			},
		},
		{
			Name: "counted-twice", Tells: "a delivery is counted twice", Scope: supplied, Property: stockAddsUp,
			Break: func(s *System) {
				spoilCommand(&s.Inventory, hearing(func(r inventory.Reservation, c inventory.ReceiveStock) (inventory.Reservation, inventory.ReceiveStock) {
					c.Quantity *= 2
					return r, c
				}))
			},
		},
	}
}
