package order

import (
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// Flow is order's part in the choreography.
var Flow = flow.Participant[Order]{
	Service: "order",
	Reactions: []flow.Reaction[Order]{
		flow.OnCommand[PlaceOrder](place).Emits(events.OrderPlaced{}).StartsTimer(Deadline{}),
		flow.OnCommand[CancelOrder](cancel).Emits(events.CancellationRequested{}),
		flow.OnTimer[Deadline](expire).Emits(events.CancellationRequested{}),
		flow.OnEvent[events.StockReserved](noteReserved),
		flow.OnEvent[events.StockRejected](endRejected).Emits(events.OrderCancelled{}),
		flow.OnEvent[events.PaymentProcessed](notePaid),
		flow.OnEvent[events.PaymentFailed](noteUnpaid),
		flow.OnEvent[events.ShipmentCreated](complete).Emits(events.OrderCompleted{}),
		flow.OnEvent[events.ShipmentFailed](noteUnshipped),
		flow.OnEvent[events.PaymentRefunded](noteRefunded),
		flow.OnEvent[events.StockReleased](endReleased).Emits(events.OrderCancelled{}),
	},
}

// PlaceOrder is a customer's order.
type PlaceOrder struct {
	OrderID         string
	CustomerID      string
	Email           string
	PaymentToken    string
	Currency        string
	ShippingAddress *events.Address
	Lines           []events.OrderLine
	Total           int64         // minor units
	Deadline        time.Duration // when it passes, order requests the cancellation
}

// CancelOrder is a customer's request to cancel an order.
type CancelOrder struct{ OrderID string }

// Deadline is the timer of an order: it fires when the order has taken too long.
type Deadline struct{}

// Accepted is the answer to both commands.
type Accepted struct {
	OrderID string `json:"orderId"`
	Status  Status `json:"status"`
}

func place(o Order, c PlaceOrder, out *flow.Out) Order {
	if o.Status != Unknown { // each request has its own id, so this is the same request
		out.Reply(Accepted{OrderID: o.ID, Status: Pending})
		return o
	}
	o = Order{
		ID: c.OrderID, CustomerID: c.CustomerID, Status: Pending, Total: c.Total, Currency: c.Currency, Lines: c.Lines, PlacedAt: out.Now(),
	}
	out.Emit(events.OrderPlaced{
		OrderID: c.OrderID, CustomerID: c.CustomerID, Email: c.Email, PaymentToken: c.PaymentToken,
		Total: c.Total, Lines: c.Lines, Currency: c.Currency, ShippingAddress: c.ShippingAddress,
	})
	out.StartTimer(c.Deadline, Deadline{})
	out.Reply(Accepted{OrderID: o.ID, Status: o.Status})
	return o.step("OrderPlaced", out.Now(), "")
}

func cancel(o Order, _ CancelOrder, out *flow.Out) Order {
	switch {
	case o.Status == Unknown:
		out.Reject(ErrNotFound)
	case o.Status.Terminal():
		out.Reject(ErrTerminal)
	default:
		o = ask(o, events.ReasonCustomer, out)
		out.Reply(Accepted{OrderID: o.ID, Status: o.Status})
	}
	return o
}

// expire requests a cancellation with another reason. It only requests, as the
// customer does: a payment service that was away for an hour finds a consistent world.
func expire(o Order, _ Deadline, out *flow.Out) Order {
	return ask(o, events.ReasonDeadline, out)
}

// ask requests the cancellation once. Payment, or else shipping, stops the order if its
// own call has not started. Until one of them does, the order may still complete.
func ask(o Order, reason events.Reason, out *flow.Out) Order {
	if o.Status != Pending {
		return o
	}
	o.Status, o.Reason = Cancelling, reason
	out.Emit(events.CancellationRequested{OrderID: o.ID, Reason: reason})
	return o.step("CancellationRequested", out.Now(), reason)
}

func noteReserved(o Order, e events.StockReserved, out *flow.Out) Order {
	return o.known(e.OrderID, out.Now()).step("StockReserved", out.Now(), "")
}

func notePaid(o Order, e events.PaymentProcessed, out *flow.Out) Order {
	return o.known(e.OrderID, out.Now()).step("PaymentProcessed", out.Now(), "")
}

func noteUnpaid(o Order, e events.PaymentFailed, out *flow.Out) Order {
	return o.known(e.OrderID, out.Now()).step("PaymentFailed", out.Now(), e.Reason)
}

func noteUnshipped(o Order, e events.ShipmentFailed, out *flow.Out) Order {
	return o.known(e.OrderID, out.Now()).step("ShipmentFailed", out.Now(), e.Reason)
}

func noteRefunded(o Order, e events.PaymentRefunded, out *flow.Out) Order {
	return o.known(e.OrderID, out.Now()).step("PaymentRefunded", out.Now(), e.Reason)
}

func endRejected(o Order, e events.StockRejected, out *flow.Out) Order {
	return end(o.known(e.OrderID, out.Now()).step("StockRejected", out.Now(), e.Reason), e.Reason, out)
}

func endReleased(o Order, e events.StockReleased, out *flow.Out) Order {
	return end(o.known(e.OrderID, out.Now()).step("StockReleased", out.Now(), e.Reason), e.Reason, out)
}

// end cancels the order: every step taken for it has been compensated.
func end(o Order, reason events.Reason, out *flow.Out) Order {
	if o.Status.Terminal() {
		return o
	}
	o.Status, o.Reason = Cancelled, reason
	out.StopTimer(Deadline{})
	out.Emit(events.OrderCancelled{OrderID: o.ID, Reason: reason})
	return o.step("OrderCancelled", out.Now(), reason)
}

// complete completes the order, even one whose cancellation was requested: the carrier
// has the parcel.
func complete(o Order, e events.ShipmentCreated, out *flow.Out) Order {
	o = o.known(e.OrderID, out.Now()).step("ShipmentCreated", out.Now(), "")
	if o.Status.Terminal() {
		return o
	}
	o.Status, o.Reason = Completed, ""
	out.StopTimer(Deadline{})
	out.Emit(events.OrderCompleted{OrderID: o.ID})
	return o.step("OrderCompleted", out.Now(), "")
}
