package explore

import (
	"maps"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
)

// shift moves pieces between what is on hand and what is reserved.
func shift(r inventory.Reservation, onHand, reserved int64) inventory.Reservation {
	r.Levels = maps.Clone(r.Levels)
	l := r.Levels[sku]
	l.OnHand += onHand
	l.Reserved += reserved
	r.Levels[sku] = l
	return r
}

// released tells that the stock of an order is given back.
func released(r inventory.Reservation, reason events.Reason, out *flow.Out) inventory.Reservation {
	r.Status = inventory.Released
	out.Emit(events.StockReleased{OrderID: r.OrderID, Reason: reason})
	return r
}

// stockMutants are about stock that must be given back, once.
func stockMutants() []Mutant {
	type own[E any] = reaction[E, inventory.Reservation]
	return []Mutant{
		{
			Name: "keep-after-decline", Tells: "stock is not released after a declined card", Scope: declined, Property: everyOrderEnds,
			Break: func(s *System) { forget[events.PaymentFailed](&s.Inventory) },
		},
		{
			Name: "keep-after-refund", Tells: "stock is not released after a refund", Scope: refused, Property: everyOrderEnds,
			Break: func(s *System) { forget[events.PaymentRefunded](&s.Inventory) },
		},
		{
			Name: "release-twice", Tells: "stock is released when the shipment fails, and again when the money is back", Scope: refused, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoil(&s.Inventory, func(own[events.ShipmentFailed]) own[events.ShipmentFailed] {
					return func(r inventory.Reservation, e events.ShipmentFailed, out *flow.Out) inventory.Reservation {
						return released(shift(r, 1, -1), e.Reason, out)
					}
				})
				spoil(&s.Inventory, func(own[events.PaymentRefunded]) own[events.PaymentRefunded] {
					return func(r inventory.Reservation, e events.PaymentRefunded, out *flow.Out) inventory.Reservation {
						return released(shift(r, 1, -1), e.Reason, out)
					}
				})
			},
		},
	}
}

// releaseMutants are about how stock is given back, and when.
func releaseMutants() []Mutant {
	type own[E any] = reaction[E, inventory.Reservation]
	return []Mutant{
		{
			Name: "release-in-word-only", Tells: "a release is told, and the piece stays reserved", Scope: declined, Property: nothingReserved,
			Break: func(s *System) {
				spoil(&s.Inventory, func(own[events.PaymentFailed]) own[events.PaymentFailed] {
					return func(r inventory.Reservation, e events.PaymentFailed, out *flow.Out) inventory.Reservation {
						return released(r, e.Reason, out)
					}
				})
			},
		},
		{
			Name: "release-from-nowhere", Tells: "a released piece is put on hand and counted as reserved still", Scope: declined, Property: stockAddsUp,
			Break: func(s *System) {
				spoil(&s.Inventory, func(own[events.PaymentFailed]) own[events.PaymentFailed] {
					return func(r inventory.Reservation, e events.PaymentFailed, out *flow.Out) inventory.Reservation {
						return released(shift(r, 1, 0), e.Reason, out)
					}
				})
			},
		},
		{
			Name: "release-on-request", Tells: "inventory decides by itself that a cancellation is in time", Scope: cancelling, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoil(&s.Inventory, func(own[events.CancellationRequested]) own[events.CancellationRequested] {
					return func(r inventory.Reservation, e events.CancellationRequested, out *flow.Out) inventory.Reservation {
						if r.Status != inventory.Reserved {
							return r
						}
						return released(shift(r, 1, -1), e.Reason, out)
					}
				})
			},
		},
		{
			Name: "release-for-another-reason", Tells: "a release does not pass on why", Scope: declined, Property: reasonsPassOn,
			Break: func(s *System) {
				spoil(&s.Inventory, hearing(func(r inventory.Reservation, e events.PaymentFailed) (inventory.Reservation, events.PaymentFailed) {
					e.Reason = events.ReasonOutOfStock
					return r, e
				}))
			},
		},
	}
}

// shelfMutants are about what is on the shelf.
func shelfMutants() []Mutant {
	type own[E any] = reaction[E, inventory.Reservation]
	return []Mutant{
		{
			Name: "oversell", Tells: "stock is reserved without a look at the shelf", Scope: lastPiece, Property: stockAddsUp,
			Break: func(s *System) {
				spoil(&s.Inventory, func(own[events.OrderPlaced]) own[events.OrderPlaced] {
					return func(r inventory.Reservation, e events.OrderPlaced, out *flow.Out) inventory.Reservation {
						r.OrderID, r.Status, r.Lines = e.OrderID, inventory.Reserved, []inventory.Line{{SKU: sku, Quantity: 1}}
						out.Emit(events.StockReserved{OrderID: e.OrderID})
						return shift(r, -1, 1)
					}
				})
			},
		},
		{
			Name: "reserve-twice", Tells: "an order that is published a second time is reserved a second time", Scope: twice, Property: factsToldOnce,
			Break: func(s *System) {
				spoil(&s.Inventory, hearing(func(r inventory.Reservation, e events.OrderPlaced) (inventory.Reservation, events.OrderPlaced) {
					r.Status = inventory.Unknown
					return r, e
				}))
			},
		},
		{
			Name: "no-hand-over", Tells: "stock that has shipped stays reserved", Scope: smooth, Property: completedStockShips,
			Break: func(s *System) { forget[events.ShipmentCreated](&s.Inventory) },
		},
	}
}
