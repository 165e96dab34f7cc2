package flowdoc

import (
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

const sku = "unit"

var place = order.PlaceOrder{
	OrderID: "order", Email: "ada@example.com", Currency: "USD", Total: 100,
	Lines: []events.OrderLine{{SKU: sku, Quantity: 1, UnitPrice: 100}},
}

// well holds the answers of the outside world when nothing is wrong.
var well = map[string]any{
	"Charge": payment.Charged{Outcome: payment.Approved},
	"Void":   payment.Voided{},
	"Refund": payment.Refunded{},
	"Book":   shipping.BookingAnswered{Outcome: shipping.Accepted, TrackingNumber: "T-1"},
	"Unbook": shipping.Unbooked{},
}

func stories() []story {
	return []story{
		{
			name: "Everything goes well", stock: 1, ends: order.Completed,
			tells: "Stock is held, the card is charged, the carrier takes the parcel.",
		},
		{
			name: "Out of stock", stock: 0, ends: order.Cancelled,
			tells: "Nothing was done, so nothing is undone.",
		},
		{
			name: "The card is declined", stock: 1, ends: order.Cancelled,
			tells:   "The stock that was held is released, and only then is the order cancelled.",
			answers: map[string]any{"Charge": payment.Charged{Outcome: payment.Declined}},
		},
		{
			name: "The carrier refuses", stock: 1, ends: order.Cancelled,
			tells:   "Compensation runs backward through the same participants: refund, release, cancelled.",
			answers: map[string]any{"Book": shipping.BookingAnswered{Outcome: shipping.Refused}},
		},
		{
			name: "The provider does not answer", stock: 1, ends: order.Cancelled,
			tells:   "A timeout is not a refusal: the charge is voided by its own key, and only then called failed.",
			answers: map[string]any{"Charge": payment.Charged{Outcome: payment.Unknown}},
		},
		{
			name: "The carrier does not answer", stock: 1, ends: order.Cancelled,
			tells:   "The booking is undone by its own key before anybody is told that it failed.",
			answers: map[string]any{"Book": shipping.BookingAnswered{Outcome: shipping.Unknown}},
		},
		{
			name: "Cancelled before the charge", stock: 1, ends: order.Cancelled,
			tells:  "The customer asks before payment has heard of the reservation. Payment stands down; nothing is charged.",
			before: map[string]any{"StockReserved>payment": order.CancelOrder{OrderID: "order"}},
		},
		{
			name: "Cancelled before the booking", stock: 1, ends: order.Cancelled,
			tells:  "The card is charged already. Shipping turns the order round, and the money goes back.",
			before: map[string]any{"PaymentProcessed>shipping": order.CancelOrder{OrderID: "order"}},
		},
		{
			name: "Cancelled too late", stock: 1, ends: order.Completed,
			tells:  "The carrier has the parcel: the wish is heard and the order completes.",
			before: map[string]any{"ShipmentCreated>order": order.CancelOrder{OrderID: "order"}},
		},
		{
			name: "The deadline passes", stock: 1, ends: order.Cancelled,
			tells:  "A deadline is a cancellation with another reason.",
			before: map[string]any{"StockReserved>payment": order.Deadline{}},
		},
	}
}
