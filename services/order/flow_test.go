package order

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

const id = "o-1"

var (
	lines  = []events.OrderLine{{SKU: "tea", Quantity: 2, UnitPrice: 450}}
	placed = PlaceOrder{
		OrderID: id, CustomerID: "c-1", Email: "ada@example.com", PaymentToken: "tok_ok", Currency: "EUR",
		Lines: lines, Total: 900, Deadline: time.Hour,
	}
	reserved   = events.StockReserved{OrderID: id}
	rejected   = events.StockRejected{OrderID: id, Reason: events.ReasonOutOfStock, Shortages: []events.Shortage{{SKU: "tea", Requested: 2}}}
	paid       = events.PaymentProcessed{OrderID: id, PaymentID: "p-1", Amount: 900, Currency: "EUR"}
	declined   = events.PaymentFailed{OrderID: id, PaymentID: "p-1", Reason: events.ReasonDeclined}
	notCharged = events.PaymentFailed{OrderID: id, PaymentID: "p-1", Reason: events.ReasonCustomer}
	shipped    = events.ShipmentCreated{OrderID: id, ShipmentID: "s-1", TrackingNumber: "T1"}
	unshipped  = events.ShipmentFailed{OrderID: id, ShipmentID: "s-1", Reason: events.ReasonCarrierRefused}
	refunded   = events.PaymentRefunded{OrderID: id, PaymentID: "p-1", Amount: 900, Currency: "EUR", Reason: events.ReasonCarrierRefused}
)

func released(why events.Reason) events.StockReleased {
	return events.StockReleased{OrderID: id, Reason: why}
}

func requested(why events.Reason) events.CancellationRequested {
	return events.CancellationRequested{OrderID: id, Reason: why}
}

func cancelled(why events.Reason) events.OrderCancelled {
	return events.OrderCancelled{OrderID: id, Reason: why}
}

var completed = events.OrderCompleted{OrderID: id}

// stands checks what the customer is told: the status, the reason, and the
// progress as "Event" or "Event reason".
func stands(status Status, reason events.Reason, progress ...string) func(*testing.T, Order) {
	return func(t *testing.T, o Order) {
		t.Helper()
		if o.Status != status || o.Reason != reason {
			t.Errorf("order is %q for %q, want %q for %q", o.Status, o.Reason, status, reason)
		}
		if diff := cmp.Diff(progress, told(o)); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
	}
}

func told(o Order) []string {
	var steps []string
	for _, s := range o.Progress {
		text := s.Event
		if s.Why != "" {
			text += " " + string(s.Why)
		}
		steps = append(steps, text)
	}
	return steps
}

func TestOrder(t *testing.T) {
	suite := flowtest.Suite[Order]{Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS}
	cases := append(asked(), heard()...)
	flowtest.Run(t, suite, append(cases, external()...))
}

// asked are the cases of commands and of time.
func asked() []flowtest.Case[Order] {
	cancel := CancelOrder{OrderID: id}
	wholeOrder := events.OrderPlaced{
		OrderID: id, CustomerID: "c-1", Email: "ada@example.com", PaymentToken: "tok_ok", Total: 900, Lines: lines, Currency: "EUR",
	}
	return []flowtest.Case[Order]{
		{
			Name: "an order is placed", When: placed, Then: []any{wholeOrder},
			State: func(t *testing.T, o Order) {
				want := Order{ID: id, CustomerID: "c-1", Status: Pending, Total: 900, Currency: "EUR", Lines: lines, PlacedAt: o.PlacedAt, Progress: []Step{{Event: "OrderPlaced", At: o.PlacedAt}}}
				if diff := cmp.Diff(want, o); diff != "" || o.PlacedAt.IsZero() {
					t.Errorf("order (-want +got):\n%s", diff)
				}
			},
		},
		{
			Name: "an order is placed once under one name", Given: []any{placed}, When: placed,
			State: stands(Pending, "", "OrderPlaced"),
		},
		{
			Name: "the customer cancels", Given: []any{placed}, When: cancel, Then: []any{requested(events.ReasonCustomer)},
			State: stands(Cancelling, events.ReasonCustomer, "OrderPlaced", "CancellationRequested customer"),
		},
		{
			Name: "the customer cancels again", Given: []any{placed, cancel}, When: cancel,
			State: stands(Cancelling, events.ReasonCustomer, "OrderPlaced", "CancellationRequested customer"),
		},
		{
			Name: "an order that nobody placed cannot be cancelled", When: cancel, Refused: ErrNotFound,
			State: stands(Unknown, ""),
		},
		{
			Name: "a completed order cannot be cancelled", Given: []any{placed, shipped}, When: cancel, Refused: ErrTerminal,
			State: stands(Completed, "", "OrderPlaced", "ShipmentCreated", "OrderCompleted"),
		},
		{
			Name: "a cancelled order cannot be cancelled", Given: []any{placed, rejected}, When: cancel, Refused: ErrTerminal,
			State: stands(Cancelled, events.ReasonOutOfStock, "OrderPlaced", "StockRejected out_of_stock", "OrderCancelled out_of_stock"),
		},
		{
			Name: "time is up", Given: []any{placed, reserved}, When: Deadline{}, Then: []any{requested(events.ReasonDeadline)}, Key: id,
			State: stands(Cancelling, events.ReasonDeadline, "OrderPlaced", "StockReserved", "CancellationRequested deadline"),
		},
		{
			Name: "time is up after the customer has cancelled", Given: []any{placed, cancel}, When: Deadline{}, Key: id,
			State: stands(Cancelling, events.ReasonCustomer, "OrderPlaced", "CancellationRequested customer"),
		},
		{
			Name: "the customer cancels after time is up", Given: []any{placed, Deadline{}}, When: cancel, Key: id,
			State: stands(Cancelling, events.ReasonDeadline, "OrderPlaced", "CancellationRequested deadline"),
		},
	}
}

// heard are the cases of what the others did with an order.
func heard() []flowtest.Case[Order] {
	cancel := CancelOrder{OrderID: id}
	return []flowtest.Case[Order]{
		{Name: "stock is reserved", Given: []any{placed}, When: reserved, State: stands(Pending, "", "OrderPlaced", "StockReserved")},
		{Name: "it is paid", Given: []any{placed, reserved}, When: paid, State: stands(Pending, "", "OrderPlaced", "StockReserved", "PaymentProcessed")},
		{
			Name: "it is paid, as is heard before the reservation", Given: []any{placed, paid}, When: reserved,
			State: stands(Pending, "", "OrderPlaced", "PaymentProcessed", "StockReserved"),
		},
		{Name: "the card is declined", Given: []any{placed, reserved}, When: declined, State: stands(Pending, "", "OrderPlaced", "StockReserved", "PaymentFailed declined")},
		{
			Name: "the carrier refuses", Given: []any{placed, reserved, paid}, When: unshipped,
			State: stands(Pending, "", "OrderPlaced", "StockReserved", "PaymentProcessed", "ShipmentFailed carrier_refused"),
		},
		{
			Name: "the money is given back", Given: []any{placed, paid, unshipped}, When: refunded,
			State: stands(Pending, "", "OrderPlaced", "PaymentProcessed", "ShipmentFailed carrier_refused", "PaymentRefunded carrier_refused"),
		},
		{
			Name: "out of stock", Given: []any{placed}, When: rejected, Then: []any{cancelled(events.ReasonOutOfStock)},
			State: stands(Cancelled, events.ReasonOutOfStock, "OrderPlaced", "StockRejected out_of_stock", "OrderCancelled out_of_stock"),
		},
		{
			Name: "the stock is released", Given: []any{placed, reserved, declined}, When: released(events.ReasonDeclined), Then: []any{cancelled(events.ReasonDeclined)},
			State: stands(Cancelled, events.ReasonDeclined, "OrderPlaced", "StockReserved", "PaymentFailed declined", "StockReleased declined", "OrderCancelled declined"),
		},
		{
			Name: "the stock is released after a cancellation", Given: []any{placed, cancel, notCharged}, When: released(events.ReasonCustomer), Then: []any{cancelled(events.ReasonCustomer)},
			State: stands(Cancelled, events.ReasonCustomer, "OrderPlaced", "CancellationRequested customer", "PaymentFailed customer", "StockReleased customer", "OrderCancelled customer"),
		},
		{
			Name: "the reason is that of the event that closes the order", Given: []any{placed, cancel, declined}, When: released(events.ReasonDeclined), Then: []any{cancelled(events.ReasonDeclined)},
			State: stands(Cancelled, events.ReasonDeclined, "OrderPlaced", "CancellationRequested customer", "PaymentFailed declined", "StockReleased declined", "OrderCancelled declined"),
		},
		{
			Name: "the parcel is with the carrier", Given: []any{placed, reserved, paid}, When: shipped, Then: []any{completed},
			State: stands(Completed, "", "OrderPlaced", "StockReserved", "PaymentProcessed", "ShipmentCreated", "OrderCompleted"),
		},
		{
			Name: "the parcel is with the carrier before the cancellation got there", Given: []any{placed, cancel}, When: shipped, Then: []any{completed},
			State: stands(Completed, "", "OrderPlaced", "CancellationRequested customer", "ShipmentCreated", "OrderCompleted"),
		},
		{
			Name: "late progress does not change a completed order", Given: []any{placed, shipped}, When: paid,
			State: stands(Completed, "", "OrderPlaced", "ShipmentCreated", "OrderCompleted", "PaymentProcessed"),
		},
		{
			Name: "late progress does not change a cancelled order", Given: []any{placed, released(events.ReasonDeclined)}, When: declined,
			State: stands(Cancelled, events.ReasonDeclined, "OrderPlaced", "StockReleased declined", "OrderCancelled declined", "PaymentFailed declined"),
		},
		{
			Name: "a cancelled order does not complete", Given: []any{placed, rejected}, When: shipped,
			State: stands(Cancelled, events.ReasonOutOfStock, "OrderPlaced", "StockRejected out_of_stock", "OrderCancelled out_of_stock", "ShipmentCreated"),
		},
		{
			Name: "a completed order is not cancelled", Given: []any{placed, shipped}, When: released(events.ReasonCustomer),
			State: stands(Completed, "", "OrderPlaced", "ShipmentCreated", "OrderCompleted", "StockReleased customer"),
		},
	}
}

// external are the cases of orders that another producer placed.
func external() []flowtest.Case[Order] {
	is := func(check func(*testing.T, Order)) func(*testing.T, Order) {
		return func(t *testing.T, o Order) {
			t.Helper()
			if !o.External || o.ID != id || o.PlacedAt.IsZero() {
				t.Errorf("order is not external: %+v", o)
			}
			check(t, o)
		}
	}
	return []flowtest.Case[Order]{
		{Name: "stock of an external order is reserved", When: reserved, State: is(stands(Pending, "", "StockReserved"))},
		{Name: "an external order is paid", When: paid, State: is(stands(Pending, "", "PaymentProcessed"))},
		{Name: "an external order is not paid", When: declined, State: is(stands(Pending, "", "PaymentFailed declined"))},
		{Name: "an external order is not shipped", When: unshipped, State: is(stands(Pending, "", "ShipmentFailed carrier_refused"))},
		{Name: "an external order is refunded", When: refunded, State: is(stands(Pending, "", "PaymentRefunded carrier_refused"))},
		{
			Name: "an external order is out of stock", When: rejected, Then: []any{cancelled(events.ReasonOutOfStock)},
			State: is(stands(Cancelled, events.ReasonOutOfStock, "StockRejected out_of_stock", "OrderCancelled out_of_stock")),
		},
		{
			Name: "the stock of an external order is released", Given: []any{reserved, declined}, When: released(events.ReasonDeclined), Then: []any{cancelled(events.ReasonDeclined)},
			State: is(stands(Cancelled, events.ReasonDeclined, "StockReserved", "PaymentFailed declined", "StockReleased declined", "OrderCancelled declined")),
		},
		{
			Name: "an external order is shipped", Given: []any{reserved, paid}, When: shipped, Then: []any{completed},
			State: is(stands(Completed, "", "StockReserved", "PaymentProcessed", "ShipmentCreated", "OrderCompleted")),
		},
		{
			Name: "an external order is cancelled", Given: []any{reserved}, When: CancelOrder{OrderID: id}, Then: []any{requested(events.ReasonCustomer)},
			State: is(stands(Cancelling, events.ReasonCustomer, "StockReserved", "CancellationRequested customer")),
		},
	}
}

func TestAnOrderMayTakeAsLongAsItWasGiven(t *testing.T) {
	_, out, err := Flow.React(Order{}, "placed", time.Now(), placed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]flow.Started{{Timer: Deadline{}, After: placed.Deadline}}, out.Timers); diff != "" {
		t.Errorf("timers (-want +got):\n%s", diff)
	}
}

func TestAnOrderThatHasEndedHasNoDeadline(t *testing.T) {
	for name, end := range map[string]any{"completed": shipped, "cancelled": rejected} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t)
			d.submit(placed)
			if n := d.count(`SELECT count(*) FROM timers`); n != 1 {
				t.Fatalf("%d timers run for a pending order, want 1", n)
			}
			d.deliver(end)
			d.ended(id)
			if n := d.count(`SELECT count(*) FROM timers`); n != 0 {
				t.Errorf("%d timers run for an order that has ended", n)
			}
		})
	}
}
