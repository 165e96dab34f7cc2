package shipping

import (
	"testing"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

var (
	home   = &events.Address{Name: "Ada", Line1: "Main St 1", City: "Bonn", Postcode: "53111", Country: "DE"}
	lines  = []events.OrderLine{{SKU: "tea", Quantity: 2, UnitPrice: 600}}
	placed = events.OrderPlaced{OrderID: "o-1", Total: 1200, Currency: "EUR", Lines: lines, ShippingAddress: home}
	paid   = events.PaymentProcessed{OrderID: "o-1", PaymentID: "p-1", Amount: 1200, Currency: "EUR"}
	asked  = events.CancellationRequested{OrderID: "o-1", Reason: events.ReasonCustomer}

	cancelled = events.OrderCancelled{OrderID: "o-1", Reason: events.ReasonCustomer}
	accepted  = BookingAnswered{Outcome: Accepted, TrackingNumber: "QT1"}
	collected = Unbooked{Collected: true, TrackingNumber: "QT1"}

	theBooking   = Book{OrderID: "o-1", Address: home, Lines: lines}
	theUnbooking = Unbook{OrderID: "o-1"}
)

// ways is one history that leads to each status.
func ways() map[Status][]any {
	return map[Status][]any{
		Booking:   {placed, paid},
		Unbooking: {placed, paid, BookingAnswered{Outcome: Unknown}},
		Booked:    {placed, paid, accepted},
		Failed:    {placed, paid, BookingAnswered{Outcome: Refused}},
		Closed:    {placed, cancelled},
	}
}

func run(t *testing.T, cases []flowtest.Case[Shipment]) {
	t.Helper()
	t.Parallel() // most of a case is waiting
	flowtest.Run(t, flowtest.Suite[Shipment]{
		Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS, Ignore: []string{"shipmentId"},
	}, cases)
}

func is(want Status) func(*testing.T, Shipment) {
	return func(t *testing.T, s Shipment) {
		if s.Status != want {
			t.Errorf("status is %q, want %q", s.Status, want)
		}
	}
}

func failed(reason events.Reason) []any {
	return []any{events.ShipmentFailed{OrderID: "o-1", Reason: reason}}
}

func TestBookingWaitsForOrderAndPayment(t *testing.T) {
	depot := placed
	depot.ShippingAddress = nil // as every order of version 1
	run(t, []flowtest.Case[Shipment]{
		{Name: "address alone", When: placed, State: is(Waiting)},
		{Name: "payment alone", When: paid, State: is(Waiting)},
		{Name: "address then payment", Given: []any{placed}, When: paid, Then: []any{theBooking}, State: is(Booking)},
		{Name: "payment then address", Given: []any{paid}, When: placed, Then: []any{theBooking}, State: is(Booking)},
		{Name: "no address", Given: []any{depot}, When: paid, Then: []any{Book{OrderID: "o-1", Lines: lines}}, State: is(Booking)},
	})
}

func TestAnswerOfTheCarrierDecides(t *testing.T) {
	booking := []any{placed, paid}
	created := events.ShipmentCreated{OrderID: "o-1", TrackingNumber: "QT1"}
	run(t, []flowtest.Case[Shipment]{
		{Name: "accepted", Given: booking, When: accepted, Then: []any{created}, State: is(Booked)},
		{Name: "refused", Given: booking, When: BookingAnswered{Outcome: Refused}, Then: failed(events.ReasonCarrierRefused), State: is(Failed)},
		{Name: "given up", Given: booking, When: BookingAnswered{Outcome: GivenUp}, Then: failed(events.ReasonCarrierUnavailable), State: is(Failed)},
		{Name: "unknown is undone before it is called failed", Given: booking, When: BookingAnswered{Outcome: Unknown}, Then: []any{theUnbooking}, State: is(Unbooking)},
		{Name: "undone", Given: ways()[Unbooking], When: Unbooked{}, Then: failed(events.ReasonCarrierUnavailable), State: is(Failed)},
		{Name: "too late to be undone", Given: ways()[Unbooking], When: collected, Then: []any{created}, State: is(Booked)},
	})
}

func TestCancellationBeforeTheBookingMakesItVoid(t *testing.T) {
	stoodDown := func(t *testing.T, s Shipment) {
		if !s.CancelRequested || s.Reason != events.ReasonCustomer || s.Status != Waiting {
			t.Errorf("got %+v, want it waiting, standing down for the customer", s)
		}
	}
	deadline := events.CancellationRequested{OrderID: "o-1", Reason: events.ReasonDeadline}
	void := failed(events.ReasonCustomer)
	run(t, []flowtest.Case[Shipment]{
		{Name: "first of all", When: asked, State: stoodDown},
		{Name: "address known", Given: []any{placed}, When: asked, State: stoodDown},
		{Name: "paid", Given: []any{paid}, When: asked, State: stoodDown},
		{Name: "asked, address, payment", Given: []any{asked, placed}, When: paid, Then: void, State: is(Failed)},
		{Name: "asked, payment, address", Given: []any{asked, paid}, When: placed, Then: void, State: is(Failed)},
		{Name: "address, asked, payment", Given: []any{placed, asked}, When: paid, Then: void, State: is(Failed)},
		{Name: "payment, asked, address", Given: []any{paid, asked}, When: placed, Then: void, State: is(Failed)},
		{Name: "the first reason counts", Given: []any{placed, asked, deadline}, When: paid, Then: void, State: is(Failed)},
	})
}

func TestCancellationAfterBookingCallIsIgnored(t *testing.T) {
	var cases []flowtest.Case[Shipment]
	for status, way := range ways() {
		cases = append(cases, flowtest.Case[Shipment]{Name: string(status), Given: way, When: asked, State: func(t *testing.T, s Shipment) {
			is(status)(t, s)
			if s.CancelRequested || s.Reason == events.ReasonCustomer {
				t.Errorf("got %+v, want no trace of the cancellation", s)
			}
		}})
	}
	run(t, append(cases,
		flowtest.Case[Shipment]{Name: "and the answer is taken as if nothing was asked", Given: append(ways()[Booking], asked),
			When: accepted, Then: []any{events.ShipmentCreated{OrderID: "o-1", TrackingNumber: "QT1"}}, State: is(Booked)},
	))
}

func TestOrderCancelledClosesOnlyUnstartedShipment(t *testing.T) {
	cases := []flowtest.Case[Shipment]{
		{Name: "nothing known", When: cancelled, State: is(Closed)},
		{Name: "address known", Given: []any{placed}, When: cancelled, State: is(Closed)},
		{Name: "asked before", Given: []any{placed, asked}, When: cancelled, State: is(Closed)},
		{Name: "closed is not opened by a payment", Given: []any{placed, cancelled}, When: paid, State: is(Closed)},
		{Name: "closed is not opened by an address", Given: []any{paid, cancelled}, When: placed, State: is(Closed)},
	}
	for status, way := range ways() {
		cases = append(cases, flowtest.Case[Shipment]{Name: "stays " + string(status), Given: way, When: cancelled, State: is(status)})
	}
	run(t, cases)
}

// A producer without idempotence may write an order twice, under two ids. A
// booking under way must keep its key: an unbooking under another one undoes
// nothing.
func TestDuplicateOrderKeepsShipmentAndAddress(t *testing.T) {
	again := placed
	again.ShippingAddress, again.Lines = nil, nil
	first := flow.DeriveID("", flowtest.RecordID(0), "shipping", "shipment", 0)
	same := func(t *testing.T, s Shipment) {
		if s.ID != first || s.Address == nil || len(s.Lines) != 1 {
			t.Errorf("got %+v, want shipment %s as it was first", s, first)
		}
	}
	run(t, []flowtest.Case[Shipment]{
		{Name: "once", When: placed, State: same},
		{Name: "waiting", Given: []any{placed}, When: again, State: same},
		{Name: "booking", Given: []any{placed, paid}, When: again, State: same},
		{Name: "paid twice", Given: []any{placed, paid}, When: paid, State: same},
		{Name: "then unbooked", Given: []any{placed, paid, again}, When: BookingAnswered{Outcome: Unknown}, Then: []any{theUnbooking}, State: same},
	})
}
