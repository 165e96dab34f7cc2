package events_test

import "github.com/quintet-eda/quintet/schemas/events"

// today returns what each golden file means to today's types, written out by
// hand: the test data is what lies on topics, this is what a service makes of it.
func today() map[string]any {
	secondFloor := "2nd floor"
	return map[string]any{
		// Version 1 knew neither the currency nor the address.
		"OrderPlaced.v1": events.OrderPlaced{
			OrderID: "ord-1001", CustomerID: "cus-17", Email: "ada@example.com", PaymentToken: "tok_ok", Total: 7497,
			Lines:    []events.OrderLine{{SKU: "TEAPOT", Quantity: 1, UnitPrice: 4999}, {SKU: "CUP", Quantity: 2, UnitPrice: 1249}},
			Currency: "USD", ShippingAddress: nil,
		},
		// The amounts do not fit in 32 bits.
		"OrderPlaced.v2": events.OrderPlaced{
			OrderID: "ord-2002", CustomerID: "cus-42", Email: "zoë@example.org", PaymentToken: "tok_flaky", Total: 5_000_000_300,
			Lines:    []events.OrderLine{{SKU: "PIANO", Quantity: 1, UnitPrice: 5_000_000_000}, {SKU: "STOOL", Quantity: 3, UnitPrice: 100}},
			Currency: "EUR",
			ShippingAddress: &events.Address{
				Name: "Zoë Müller", Line1: "Lange Straße 7", Line2: &secondFloor, City: "Bremen", Postcode: "28195", Country: "DE",
			},
		},
		"CancellationRequested.v1": events.CancellationRequested{OrderID: "ord-3003", Reason: events.ReasonDeadline},
		"OrderCompleted.v1":        events.OrderCompleted{OrderID: "ord-3004"},
		"OrderCancelled.v1":        events.OrderCancelled{OrderID: "ord-3005", Reason: events.ReasonCarrierRefused},
		"StockReserved.v1":         events.StockReserved{OrderID: "ord-4001"},
		"StockRejected.v1": events.StockRejected{
			OrderID: "ord-4002", Reason: events.ReasonOutOfStock,
			Shortages: []events.Shortage{{SKU: "PIANO", Requested: 3, Available: 2}, {SKU: "UNICORN", Requested: 1, Available: 0}},
		},
		"StockReleased.v1":      events.StockReleased{OrderID: "ord-4003", Reason: events.ReasonProviderUnavailable},
		"PaymentProcessed.v1":   events.PaymentProcessed{OrderID: "ord-5001", PaymentID: "pay-81", Amount: 7497, Currency: "USD"},
		"PaymentFailed.v1":      events.PaymentFailed{OrderID: "ord-5002", PaymentID: "pay-82", Reason: events.ReasonDeclined},
		"PaymentRefunded.v1":    events.PaymentRefunded{OrderID: "ord-5003", PaymentID: "pay-83", Amount: 129900, Currency: "GBP", Reason: events.ReasonCarrierUnavailable},
		"ShipmentCreated.v1":    events.ShipmentCreated{OrderID: "ord-6001", ShipmentID: "shp-91", TrackingNumber: "TRK-000777"},
		"ShipmentFailed.v1":     events.ShipmentFailed{OrderID: "ord-6002", ShipmentID: "shp-92", Reason: events.ReasonCustomer},
		"NotificationSent.v1":   events.NotificationSent{OrderID: "ord-7001", NotificationID: "ntf-51", Kind: events.KindOrderCompleted},
		"NotificationFailed.v1": events.NotificationFailed{OrderID: "ord-7002", NotificationID: "ntf-52", Kind: events.KindOrderCancelled, Cause: events.CauseGivenUp},
	}
}
