package e2e

import (
	"testing"
)

func TestUnchangedOrdersAreNotReadAgain(t *testing.T) {
	before, now := healthy(), healthy()
	for i := range before.Facts {
		before.Facts[i].Offset, now.Facts[i].Offset = int64(i), int64(i)
	}
	now.find("done", "OrderPlaced").Unreadable = "its schema id stands for another schema by now"
	now.Facts = append(now.Facts, Fact{ID: "new", Key: "back", Topic: "order.events", Offset: 1000})
	change(now.Orders, "none", func(o *Order) { o.Status = "completed" })

	same := now.unchanged(before)
	if !same["done"] || same["back"] || same["none"] {
		t.Errorf("taken over: %v; of back there is a new record, and none has another status", same)
	}
	if now.find("done", "OrderPlaced").Unreadable != "" {
		t.Error("a record that was read before was read again")
	}
	if now.Payments["done"] != before.Payments["done"] || now.Payments["back"] != (Payment{}) {
		t.Errorf("payments taken over: %v", now.Payments)
	}
}
