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

// noteAddress keeps what the order said: no later event repeats it. A second
// record of the order, under another id, changes nothing: what undoes a booking
// must go out under the key that the booking went out with.
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

// book starts once both the address and the payment are known, whichever comes
// last: the two owners' topics have no order between them. An order that was
// asked to be cancelled by then is void, and the failure says why, so that the
// money is given back.
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

// standDown keeps a booking from being started. For one that was started it is
// too late: the order completes, unless the carrier refuses.
func standDown(s Shipment, e events.CancellationRequested, _ *flow.Out) Shipment {
	s.OrderID = e.OrderID
	if s.Status == Waiting && !s.CancelRequested {
		s.CancelRequested, s.Reason = true, e.Reason
	}
	return s
}

// settle takes the carrier's answer. An unknown outcome is not a refusal: the
// parcel may be booked, so it is unbooked first and only then called failed.
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

// confirmUnbooking ends a booking of unknown outcome: it is undone, and the
// tombstone at the carrier refuses a copy that arrives late; or the parcel is
// on its way already, and then the order has shipped.
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

// create is the pivot: nothing of the order is undone after it.
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
