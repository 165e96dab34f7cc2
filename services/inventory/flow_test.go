package inventory

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

func order(lines ...events.OrderLine) events.OrderPlaced {
	return events.OrderPlaced{OrderID: "o-1", CustomerID: "c-1", Email: "ada@example.com", Currency: "USD", Lines: lines}
}

func line(sku string, quantity int32) events.OrderLine {
	return events.OrderLine{SKU: sku, Quantity: quantity, UnitPrice: 100}
}

// stands checks what became of the order's stock.
func stands(status Status, levels map[string]Level) func(*testing.T, Reservation) {
	return func(t *testing.T, r Reservation) {
		t.Helper()
		if r.Status != status {
			t.Errorf("reservation is %q, want %q", r.Status, status)
		}
		if diff := cmp.Diff(levels, r.Levels); diff != "" {
			t.Errorf("levels (-want +got):\n%s", diff)
		}
	}
}

func TestInventoryReacts(t *testing.T) {
	pens, books := ReceiveStock{SKU: "PEN", Quantity: 5}, ReceiveStock{SKU: "BOOK", Quantity: 1}
	placed := order(line("PEN", 2))
	reserved := events.StockReserved{OrderID: "o-1"}
	unpaid := events.PaymentFailed{OrderID: "o-1", PaymentID: "p-1", Reason: events.ReasonDeclined}
	refunded := events.PaymentRefunded{OrderID: "o-1", PaymentID: "p-1", Amount: 200, Currency: "USD", Reason: events.ReasonCarrierRefused}
	shipped := events.ShipmentCreated{OrderID: "o-1", ShipmentID: "s-1", TrackingNumber: "T1"}
	rejected := func(shortages ...events.Shortage) events.StockRejected {
		return events.StockRejected{OrderID: "o-1", Reason: events.ReasonOutOfStock, Shortages: append([]events.Shortage{}, shortages...)}
	}
	nothing := map[string]Level{}
	free := map[string]Level{"PEN": {OnHand: 5, Received: 5}}
	gone := map[string]Level{"PEN": {OnHand: 3, Shipped: 2, Received: 5}}

	flowtest.Run(t, flowtest.Suite[Reservation]{Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS}, []flowtest.Case[Reservation]{
		{Name: "a delivery is nobody's reservation", When: pens, Key: "sku/PEN", State: stands(Unknown, nothing)},
		{Name: "a delivery beyond counting is refused", Given: []any{ReceiveStock{SKU: "PEN", Quantity: math.MaxInt64}}, When: pens, Key: "sku/PEN", Refused: ErrTooMuchStock},
		{Name: "an order's stock is set aside", Given: []any{pens}, When: placed, Then: []any{reserved},
			State: stands(Reserved, map[string]Level{"PEN": {OnHand: 3, Reserved: 2, Received: 5}})},
		{Name: "the last piece is sold", Given: []any{books}, When: order(line("BOOK", 1)), Then: []any{reserved},
			State: stands(Reserved, map[string]Level{"BOOK": {Reserved: 1, Received: 1}})},
		{Name: "lines of one SKU are summed", Given: []any{pens}, When: order(line("PEN", 3), line("PEN", 3)),
			Then: []any{rejected(events.Shortage{SKU: "PEN", Requested: 6, Available: 5})}, State: stands(Rejected, nothing)},
		{Name: "all lines or none", Given: []any{pens, books}, When: order(line("PEN", 1), line("BOOK", 2)),
			Then: []any{rejected(events.Shortage{SKU: "BOOK", Requested: 2, Available: 1})}, State: stands(Rejected, nothing)},
		{Name: "a SKU that was never received is out of stock", When: order(line("LAMP", 1)),
			Then: []any{rejected(events.Shortage{SKU: "LAMP", Requested: 1})}, State: stands(Rejected, nothing)},
		{Name: "an order without lines is rejected", When: order(), Then: []any{rejected()}, State: stands(Rejected, nothing)},
		{Name: "a negative line frees nothing for another", Given: []any{pens}, When: order(line("PEN", -1), line("PEN", 6)),
			Then: []any{rejected(events.Shortage{SKU: "PEN", Requested: 6, Available: 5})}, State: stands(Rejected, nothing)},
		{Name: "an order for nothing is rejected", Given: []any{pens}, When: order(line("PEN", 0)),
			Then: []any{rejected(events.Shortage{SKU: "PEN", Available: 5})}, State: stands(Rejected, nothing)},
		{Name: "more than an int can count is rejected", Given: []any{pens}, When: order(line("PEN", math.MaxInt32), line("PEN", math.MaxInt32)),
			Then: []any{rejected(events.Shortage{SKU: "PEN", Requested: math.MaxInt32, Available: 5})}, State: stands(Rejected, nothing)},
		{Name: "an order is reserved once", Given: []any{pens, placed}, When: placed, State: stands(Reserved, map[string]Level{"PEN": {OnHand: 3, Reserved: 2, Received: 5}})},
		{Name: "a rejected order stays rejected", Given: []any{placed, pens}, When: placed, State: stands(Rejected, nothing)},
		{Name: "an unpaid order's stock is released", Given: []any{pens, placed}, When: unpaid,
			Then: []any{events.StockReleased{OrderID: "o-1", Reason: events.ReasonDeclined}}, State: stands(Released, free)},
		{Name: "a refunded order's stock is released", Given: []any{pens, placed}, When: refunded,
			Then: []any{events.StockReleased{OrderID: "o-1", Reason: events.ReasonCarrierRefused}}, State: stands(Released, free)},
		{Name: "stock is released once", Given: []any{pens, placed, unpaid}, When: refunded, State: stands(Released, free)},
		{Name: "a released order is not reserved again", Given: []any{pens, placed, unpaid}, When: placed, State: stands(Released, free)},
		{Name: "nothing is released for an order that holds nothing", Given: []any{placed}, When: unpaid, State: stands(Rejected, nothing)},
		{Name: "an unpaid order that nobody placed is none of ours", When: unpaid, State: stands(Unknown, nothing)},
		{Name: "a shipped order's stock is gone", Given: []any{pens, placed}, When: shipped, State: stands(Shipped, gone)},
		{Name: "what is shipped is not given back", Given: []any{pens, placed, shipped}, When: refunded, State: stands(Shipped, gone)},
		{Name: "what was given back is not shipped", Given: []any{pens, placed, unpaid}, When: shipped, State: stands(Released, free)},
	})
}

// A reaction's state is a value: what it was given must stay as it was, since
// the batch keeps it when the reaction fails.
func TestAReactionLeavesTheLevelsItWasLentAlone(t *testing.T) {
	lent := map[string]Level{"PEN": {OnHand: 3, Reserved: 2, Received: 5}}
	before := maps.Clone(lent)
	r := Reservation{OrderID: "o-1", Status: Reserved, Lines: []Line{{"PEN", 2}}, Levels: lent}
	fold(r, events.PaymentFailed{OrderID: "o-1"})
	fold(r, events.ShipmentCreated{OrderID: "o-1"})
	fold(Reservation{Levels: lent}, order(line("PEN", 1)))
	fold(Reservation{Levels: lent}, ReceiveStock{SKU: "PEN", Quantity: 1})
	if diff := cmp.Diff(before, lent); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(r.Lines, []Line{{"PEN", 2}}) {
		t.Error(r.Lines)
	}
}
