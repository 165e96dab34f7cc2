package explore

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// oddMutants do what they should, as long as an order is of one line, of one
// piece, costs something, and has an address.
func oddMutants() []Mutant {
	reserving := func(s *System, as func(inventory.Reservation, []events.OrderLine) []events.OrderLine) {
		spoil(&s.Inventory, hearing(func(r inventory.Reservation, e events.OrderPlaced) (inventory.Reservation, events.OrderPlaced) {
			e.Lines = as(r, e.Lines)
			return r, e
		}))
	}
	return []Mutant{
		{
			Name: "first-line-only", Tells: "of an order only the first line is reserved", Scope: odd, Property: shownAsTold,
			Break: func(s *System) {
				reserving(s, func(_ inventory.Reservation, lines []events.OrderLine) []events.OrderLine { return lines[:1] })
			},
		},
		{
			Name: "each-sku-once", Tells: "of lines that name one SKU only the last counts", Scope: odd, Property: shownAsTold,
			Break: func(s *System) {
				reserving(s, func(_ inventory.Reservation, lines []events.OrderLine) []events.OrderLine { return lines[1:] })
			},
		},
		{
			Name: "what-is-there", Tells: "an order that is half in stock is reserved half", Scope: half, Property: shownAsTold,
			Break: func(s *System) {
				reserving(s, func(r inventory.Reservation, lines []events.OrderLine) []events.OrderLine {
					lines = slices.Clone(lines[:2])
					for i, l := range lines {
						lines[i].Quantity = min(l.Quantity, int32(r.Levels[l.SKU].OnHand))
					}
					return lines
				})
			},
		},
		{
			Name: "first-shortage-only", Tells: "of two SKUs that are short one is told", Scope: half, Property: rejectionsTrue,
			Break: func(s *System) {
				alterEvent[events.OrderPlaced](&s.Inventory, func(e events.StockRejected) any {
					e.Shortages = e.Shortages[:min(1, len(e.Shortages))]
					return e
				})
			},
		},
		{
			Name: "release-the-first-line", Tells: "of an order only the first line is released", Scope: odd, Property: shownAsTold,
			Break: func(s *System) {
				spoil(&s.Inventory, hearing(func(r inventory.Reservation, e events.PaymentFailed) (inventory.Reservation, events.PaymentFailed) {
					r.Lines = r.Lines[:min(1, len(r.Lines))]
					return r, e
				}))
			},
		},
		{
			Name: "nothing-to-pay", Tells: "an order that costs nothing counts as one that is not known yet", Scope: odd, Property: everyOrderEnds,
			Break: func(s *System) {
				spoil(&s.Payment, func(own reaction[events.OrderPlaced, payment.Payment]) reaction[events.OrderPlaced, payment.Payment] {
					return func(p payment.Payment, e events.OrderPlaced, out *flow.Out) payment.Payment {
						if e.Total == 0 {
							return p
						}
						return own(p, e, out)
					}
				})
			},
		},
		{
			Name: "nowhere-to-go", Tells: "an order without an address counts as one that is not known yet", Scope: odd, Property: everyOrderEnds,
			Break: func(s *System) {
				spoil(&s.Shipping, func(own reaction[events.OrderPlaced, shipping.Shipment]) reaction[events.OrderPlaced, shipping.Shipment] {
					return func(x shipping.Shipment, e events.OrderPlaced, out *flow.Out) shipping.Shipment {
						if e.ShippingAddress == nil {
							return x
						}
						return own(x, e, out)
					}
				})
			},
		},
	}
}
