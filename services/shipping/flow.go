package shipping

import (
	"fmt"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// Flow is shipping's part in the choreography.
var Flow = flow.Participant[Shipment]{
	Service: "shipping",
	Reactions: []flow.Reaction[Shipment]{
		flow.OnEvent[events.OrderPlaced](noteAddress).Calls(Book{}).Emits(events.ShipmentFailed{}),
		flow.OnEvent[events.PaymentProcessed](ship).Calls(Book{}).Emits(events.ShipmentFailed{}),
		flow.OnEvent[events.CancellationRequested](standDown),
		flow.OnResult[BookingAnswered](settle).ResultOf(Book{}).Calls(Unbook{}).Emits(events.ShipmentCreated{}, events.ShipmentFailed{}),
		flow.OnResult[Unbooked](confirmUnbooking).ResultOf(Unbook{}).Emits(events.ShipmentCreated{}, events.ShipmentFailed{}),
		flow.OnEvent[events.OrderCancelled](finish),
	},
}

// noteAddress keeps the order's address and lines: no later event repeats them. A
// second record of the order, under another id, changes nothing. An unbooking must
// carry the same key as the booking.
func noteAddress(s Shipment, e events.OrderPlaced, out *flow.Out) Shipment {
	if s.Placed {
		return s
	}
	s.OrderID, s.Placed = e.OrderID, true
	s.ID = out.ID("shipment")
	s.Address, s.Lines = e.ShippingAddress, e.Lines
	return book(s, out)
}

func ship(s Shipment, e events.PaymentProcessed, out *flow.Out) Shipment {
	s.OrderID, s.Paid = e.OrderID, true
	return book(s, out)
}

// book starts once both OrderPlaced and PaymentProcessed were handled. Either may come
// last: the two owners' topics have no order between them. If a cancellation was
// requested by then, the shipment fails with its reason, so that payment refunds the
// money.
func book(s Shipment, out *flow.Out) Shipment {
	switch {
	case !s.Paid || !s.Placed || s.Status != Waiting:
	case s.CancelRequested:
		s = fail(s, s.Reason, out)
	default:
		s.Status = Booking
		out.Call(Book{ShipmentID: s.ID, OrderID: s.OrderID, Address: s.Address, Lines: s.Lines})
	}
	return s
}

// standDown keeps a booking from starting. For a booking in flight it is too late: the
// order completes, unless the booking fails.
func standDown(s Shipment, e events.CancellationRequested, _ *flow.Out) Shipment {
	s.OrderID = e.OrderID
	if s.Status == Waiting && !s.CancelRequested {
		s.CancelRequested, s.Reason = true, e.Reason
	}
	return s
}

// settle handles the carrier's answer. An unknown outcome is not a refusal: the parcel
// may be booked. It is unbooked first, and only then does the shipment fail.
func settle(s Shipment, r BookingAnswered, out *flow.Out) Shipment {
	if s.Status != Booking {
		return s
	}
	switch r.Outcome {
	case Accepted:
		s = create(s, r.TrackingNumber, out)
	case Refused:
		s = fail(s, events.ReasonCarrierRefused, out)
	case GivenUp:
		s = fail(s, events.ReasonCarrierUnavailable, out)
	case Unknown:
		s.Status = Unbooking
		out.Call(Unbook{ShipmentID: s.ID, OrderID: s.OrderID})
	default:
		out.Reject(fmt.Errorf("booking ended %q", r.Outcome))
	}
	return s
}

// confirmUnbooking ends a booking of unknown outcome. Either the carrier has undone it,
// and its tombstone refuses a copy that arrives late. Or the parcel is on its way
// already, and the order has shipped.
func confirmUnbooking(s Shipment, r Unbooked, out *flow.Out) Shipment {
	switch {
	case s.Status != Unbooking:
		return s
	case r.Collected:
		return create(s, r.TrackingNumber, out)
	default:
		return fail(s, events.ReasonCarrierUnavailable, out)
	}
}

// create is the pivot: no step of the order is compensated after it.
func create(s Shipment, trackingNumber string, out *flow.Out) Shipment {
	s.Status, s.TrackingNumber = Booked, trackingNumber
	out.Emit(events.ShipmentCreated{OrderID: s.OrderID, ShipmentID: s.ID, TrackingNumber: trackingNumber})
	return s
}

func fail(s Shipment, reason events.Reason, out *flow.Out) Shipment {
	s.Status, s.Reason = Failed, reason
	out.Emit(events.ShipmentFailed{OrderID: s.OrderID, ShipmentID: s.ID, Reason: reason})
	return s
}

// finish closes a shipment that never began.
func finish(s Shipment, e events.OrderCancelled, _ *flow.Out) Shipment {
	s.OrderID = e.OrderID
	if s.Status == Waiting {
		s.Status = Closed
	}
	return s
}
