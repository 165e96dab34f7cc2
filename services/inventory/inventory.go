// Package inventory reserves stock for an order before it is paid. It releases the stock
// when the order does not ship.
package inventory

import (
	"maps"
	"math"

	"github.com/quintet-eda/quintet/schemas/events"
)

// Reservation is inventory's state of one order, with the levels of the SKUs in the
// order. The levels are shared with other orders: the store lends them to one
// reaction at a time.
type Reservation struct {
	OrderID string
	Status  Status
	Lines   []Line
	Levels  map[string]Level
}

// Line is how much of one kind of stock an order holds.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// Stock is one SKU with its level. It is also the answer to ReceiveStock.
type Stock struct {
	SKU string `json:"sku"`
	Level
}

// Level is how much there is of one SKU, in pieces. OnHand + Reserved +
// Shipped is always Received.
type Level struct {
	OnHand   int64 `json:"onHand"`
	Reserved int64 `json:"reserved"`
	Shipped  int64 `json:"shipped"`
	Received int64 `json:"received"`
}

// Status is the state of an order's stock.
type Status string

const (
	Unknown  Status = ""         // not requested yet
	Reserved Status = "reserved" // set aside; no other order can have it
	Rejected Status = "rejected" // not enough: nothing was set aside
	Released Status = "released" // given back
	Shipped  Status = "shipped"  // gone
)

// wanted sums an order's lines by SKU, in the order of their first appearance.
func wanted(lines []events.OrderLine) []Line {
	var sums []Line
	at := map[string]int{}
	for _, l := range lines {
		i, seen := at[l.SKU]
		if !seen {
			i = len(sums)
			at[l.SKU] = i
			sums = append(sums, Line{SKU: l.SKU})
		}
		// A quantity is 32 bits wide, so the sum of a record's lines cannot
		// overflow; a negative one must not free stock for another line.
		sums[i].Quantity += max(int64(l.Quantity), 0)
	}
	return sums
}

// missing returns the lines whose SKU has too few pieces.
func (r Reservation) missing(lines []Line) []events.Shortage {
	var shortages []events.Shortage
	for _, l := range lines {
		if level, known := r.Levels[l.SKU]; !known || level.OnHand < l.Quantity || l.Quantity == 0 {
			shortages = append(shortages, events.Shortage{SKU: l.SKU, Requested: clamp(l.Quantity), Available: clamp(level.OnHand)})
		}
	}
	return shortages
}

func clamp(n int64) int32 { return int32(min(n, math.MaxInt32)) }

// move changes the levels of the order's lines. The map is copied: the state
// that the reaction was given must stay as it was.
func (r Reservation) move(change func(level Level, quantity int64) Level) Reservation {
	levels := maps.Clone(r.Levels)
	for _, l := range r.Lines {
		levels[l.SKU] = change(levels[l.SKU], l.Quantity)
	}
	r.Levels = levels
	return r
}
