package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

// start is when the fabricated orders were placed.
var start = time.Date(2026, 1, 12, 9, 30, 0, 0, time.UTC)

// fact fabricates the n-th record of an order's owner.
func fact(order, eventType string, n int64, after string, fields map[string]any) Fact {
	owner := strings.Split(eventType, ".")[1]
	all := map[string]any{"orderId": order}
	for name, v := range fields {
		all[name] = v
	}
	text := fmt.Sprint(all)
	return Fact{
		ID: order + " " + eventType, Type: eventType, Topic: owner + ".events", Offset: n, Key: order, Subject: order, Sequence: n,
		Correlation: order, Causation: after, Time: start, Appended: start, SchemaVersion: 1, Fields: all, value: []byte(text),
	}
}

func placed(order, sku string, quantity, total string) Fact {
	return fact(order, "quintet.order.OrderPlaced", 1, "", map[string]any{
		"total": json.Number(total), "lines": []any{map[string]any{"sku": sku, "quantity": json.Number(quantity)}},
	})
}

func notified(order, kind string, n int64, after string) Fact {
	f := fact(order, "quintet.email.NotificationSent", n, after, map[string]any{"notificationId": order + "-" + kind, "kind": kind})
	f.ID += " " + kind
	return f
}

func because(reason string) map[string]any { return map[string]any{"reason": reason} }

// healthy fabricates a system at rest with four orders. One is completed, and one was
// refunded. One was rejected, and one was cancelled before its charge.
func healthy() *Seen {
	done, back, none, asked := "done", "back", "none", "asked"
	id := func(order, event string) string { return order + " quintet." + event }
	s := &Seen{
		Acknowledged: []string{done, back, none, asked},
		Orders: map[string]Order{
			done: {OrderID: done, Status: "completed"},
			back: {OrderID: back, Status: "cancelled", Reason: "carrier_refused"},
			none: {OrderID: none, Status: "cancelled", Reason: "out_of_stock"}, asked: {OrderID: asked, Status: "cancelled", Reason: "customer"},
		},
		Payments:  map[string]Payment{done: {PaymentID: "p1", Status: "paid"}, back: {PaymentID: "p2", Status: "refunded"}, none: {PaymentID: "p3", Status: "closed"}, asked: {PaymentID: "p4", Status: "failed"}},
		Shipments: map[string]Shipment{done: {ShipmentID: "s1", Status: "booked"}, back: {ShipmentID: "s2", Status: "failed"}, none: {ShipmentID: "s3", Status: "closed"}, asked: {ShipmentID: "s4", Status: "closed"}},
		Stock:     []Stock{{SKU: "mug", OnHand: 3, Shipped: 2, Received: 5}},
		Charges: []sandbox.Entry{
			{N: 1, At: start, Op: "charge", Key: "p1", OrderID: done, Outcome: "captured", Amount: 900},
			{N: 2, At: start, Op: "charge", Key: "p1", OrderID: done, Outcome: "repeat", Amount: 900},
			{N: 3, At: start, Op: "charge", Key: "p2", OrderID: back, Outcome: "captured", Amount: 500},
			{N: 4, At: start.Add(2 * time.Second), Op: "refund", Key: "p2", OrderID: back, Outcome: "refunded", Amount: 500},
			{N: 5, At: start.Add(2 * time.Second), Op: "lift", Outcome: "lifted"},
		},
		Bookings: []sandbox.Entry{
			{N: 1, At: start.Add(time.Second), Op: "book", Key: "s1", OrderID: done, Outcome: "booked"},
			{N: 2, At: start.Add(time.Second), Op: "book", Key: "s2", OrderID: back, Outcome: "refused"},
		},
		Notifications: map[string][]Notification{}, Mailbox: map[string]int{},
		Facts: []Fact{
			placed(done, "mug", "2", "900"),
			fact(done, "quintet.inventory.StockReserved", 1, id(done, "order.OrderPlaced"), nil),
			fact(done, "quintet.payment.PaymentProcessed", 1, id(done, "inventory.StockReserved"), nil),
			fact(done, "quintet.shipping.ShipmentCreated", 1, id(done, "payment.PaymentProcessed"), nil),
			fact(done, "quintet.order.OrderCompleted", 2, id(done, "shipping.ShipmentCreated"), nil),
			placed(back, "mug", "1", "500"),
			fact(back, "quintet.inventory.StockReserved", 1, id(back, "order.OrderPlaced"), nil),
			fact(back, "quintet.payment.PaymentProcessed", 1, id(back, "inventory.StockReserved"), nil),
			fact(back, "quintet.shipping.ShipmentFailed", 1, id(back, "payment.PaymentProcessed"), because("carrier_refused")),
			fact(back, "quintet.payment.PaymentRefunded", 2, id(back, "shipping.ShipmentFailed"), because("carrier_refused")),
			fact(back, "quintet.inventory.StockReleased", 2, id(back, "payment.PaymentRefunded"), because("carrier_refused")),
			fact(back, "quintet.order.OrderCancelled", 2, id(back, "inventory.StockReleased"), because("carrier_refused")),
			placed(none, "mug", "9", "100"),
			fact(none, "quintet.inventory.StockRejected", 1, id(none, "order.OrderPlaced"), because("out_of_stock")),
			fact(none, "quintet.order.OrderCancelled", 2, id(none, "inventory.StockRejected"), because("out_of_stock")),
			placed(asked, "mug", "1", "300"),
			fact(asked, "quintet.order.CancellationRequested", 2, "", because("customer")),
			fact(asked, "quintet.inventory.StockReserved", 1, id(asked, "order.OrderPlaced"), nil),
			fact(asked, "quintet.payment.PaymentFailed", 1, id(asked, "inventory.StockReserved"), because("customer")),
			fact(asked, "quintet.inventory.StockReleased", 2, id(asked, "payment.PaymentFailed"), because("customer")),
			fact(asked, "quintet.order.OrderCancelled", 3, id(asked, "inventory.StockReleased"), because("customer")),
		},
	}
	for _, end := range []struct{ order, kind, event string }{{done, "order_completed", "order.OrderCompleted"}, {back, "order_cancelled", "order.OrderCancelled"}, {none, "order_cancelled", "order.OrderCancelled"}, {asked, "order_cancelled", "order.OrderCancelled"}} {
		s.Facts = append(s.Facts, notified(end.order, "order_placed", 1, id(end.order, "order.OrderPlaced")), notified(end.order, end.kind, 2, id(end.order, end.event)))
		for _, kind := range []string{"order_placed", end.kind} {
			s.Notifications[end.order] = append(s.Notifications[end.order], Notification{ID: end.order + "-" + kind, Kind: kind, Status: "sent"})
			s.Mails = append(s.Mails, sandbox.Entry{Op: "mail", OrderID: end.order, MessageID: end.order + "-" + kind + "@quintet", Outcome: "accepted"})
			s.Mailbox[end.order+"-"+kind+"@quintet"] = 1
		}
	}
	for _, f := range s.Facts {
		if f.Owner() != "email" {
			change(s.Orders, f.Key, func(o *Order) { o.Progress = append(o.Progress, Step{Event: f.Name()}) })
		}
	}
	return s
}

// find returns an event of the fabricated system, to spoil it.
func (s *Seen) find(order, name string) *Fact {
	for i, f := range s.Facts {
		if f.Key == order && f.Name() == name {
			return &s.Facts[i]
		}
	}
	panic("no " + name + " of " + order)
}

func (s *Seen) remove(order, name string) {
	f := *s.find(order, name)
	var rest []Fact
	for _, g := range s.Facts {
		if g.ID != f.ID {
			rest = append(rest, g)
		}
	}
	s.Facts = rest
}

func change[V any](m map[string]V, key string, how func(*V)) {
	v := m[key]
	how(&v)
	m[key] = v
}
