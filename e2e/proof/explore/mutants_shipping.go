package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/shipping"
)

// notShipped tells that a shipment failed.
func notShipped(x shipping.Shipment, reason events.Reason, out *flow.Out) shipping.Shipment {
	x.Status, x.Reason = shipping.Failed, reason
	out.Emit(events.ShipmentFailed{OrderID: x.OrderID, ShipmentID: x.ID, Reason: reason})
	return x
}

// shippingMutants are about when to book.
func shippingMutants() []Mutant {
	type own[E any] = reaction[E, shipping.Shipment]
	return []Mutant{
		{
			Name: "book-before-paid", Tells: "the booking does not wait for the payment", Scope: smooth, Property: paidParcelsOnly,
			Break: func(s *System) {
				spoil(&s.Shipping, hearing(func(x shipping.Shipment, e events.OrderPlaced) (shipping.Shipment, events.OrderPlaced) {
					x.Paid = true
					return x, e
				}))
			},
		},
		{
			Name: "shipping-stands-down-silently", Tells: "a shipment that stands down tells nobody", Scope: cancelling, Property: everyOrderEnds,
			Break: func(s *System) {
				spoil(&s.Shipping, func(own own[events.PaymentProcessed]) own[events.PaymentProcessed] {
					return func(x shipping.Shipment, e events.PaymentProcessed, out *flow.Out) shipping.Shipment {
						if x.CancelRequested {
							x.OrderID, x.Paid, x.Status = e.OrderID, true, shipping.Failed
							return x
						}
						return own(x, e, out)
					}
				})
			},
		},
	}
}

// cancelledShipmentMutants are about shipments of orders that are being cancelled.
func cancelledShipmentMutants() []Mutant {
	type own[E any] = reaction[E, shipping.Shipment]
	return []Mutant{
		{
			Name: "turn-a-running-booking", Tells: "a cancellation calls a booking failed that is under way", Scope: cancelling, Property: paidParcelsOnly,
			Break: func(s *System) {
				spoil(&s.Shipping, func(own own[events.CancellationRequested]) own[events.CancellationRequested] {
					return func(x shipping.Shipment, e events.CancellationRequested, out *flow.Out) shipping.Shipment {
						if x.Status == shipping.Booking {
							return notShipped(x, e.Reason, out)
						}
						return own(x, e, out)
					}
				})
			},
		},
		{
			Name: "undo-the-pivot", Tells: "a parcel that is booked is unbooked when a cancellation comes after all", Scope: cancelling, Property: pivotStands,
			Break: func(s *System) {
				spoil(&s.Shipping, func(own own[events.CancellationRequested]) own[events.CancellationRequested] {
					return func(x shipping.Shipment, e events.CancellationRequested, out *flow.Out) shipping.Shipment {
						if x.Status == shipping.Booked {
							out.Call(shipping.Unbook{ShipmentID: x.ID, OrderID: x.OrderID})
							out.Emit(events.ShipmentFailed{OrderID: x.OrderID, ShipmentID: x.ID, Reason: e.Reason})
							return x
						}
						return own(x, e, out)
					}
				})
			},
		},
		{
			Name: "unbooked-in-silence", Tells: "a parcel that is booked is unbooked when a cancellation comes after all, and nobody is told", Scope: cancelling, Property: parcelWhereDue,
			Break: func(s *System) {
				spoil(&s.Shipping, func(own own[events.CancellationRequested]) own[events.CancellationRequested] {
					return func(x shipping.Shipment, e events.CancellationRequested, out *flow.Out) shipping.Shipment {
						if x.Status == shipping.Booked {
							out.Call(shipping.Unbook{ShipmentID: x.ID, OrderID: x.OrderID})
							return x
						}
						return own(x, e, out)
					}
				})
			},
		},
		{
			Name: "shipment-ends-open", Tells: "a shipment whose order was cancelled before it began waits on", Scope: soldOut, Property: partsEnd,
			Break: func(s *System) { forget[events.OrderCancelled](&s.Shipping) },
		},
	}
}

// at settles a booking of one outcome in another way.
func at(outcome shipping.Outcome, do func(own reaction[shipping.BookingAnswered, shipping.Shipment], x shipping.Shipment, r shipping.BookingAnswered, out *flow.Out) shipping.Shipment) func(*System) {
	return func(s *System) {
		spoilAnswer(&s.Shipping, shipping.Book{}, func(own reaction[shipping.BookingAnswered, shipping.Shipment]) reaction[shipping.BookingAnswered, shipping.Shipment] {
			return func(x shipping.Shipment, r shipping.BookingAnswered, out *flow.Out) shipping.Shipment {
				if r.Outcome == outcome {
					return do(own, x, r, out)
				}
				return own(x, r, out)
			}
		})
	}
}

// bookingMutants are about what the carrier answered, and what it did not.
func bookingMutants() []Mutant {
	type own[E any] = reaction[E, shipping.Shipment]
	return []Mutant{
		{
			Name: "unknown-is-refused", Tells: "a booking of unknown outcome counts as refused", Scope: silent, Property: paidParcelsOnly,
			Break: at(shipping.Unknown, func(own own[shipping.BookingAnswered], x shipping.Shipment, r shipping.BookingAnswered, out *flow.Out) shipping.Shipment {
				r.Outcome = shipping.Refused
				return own(x, r, out)
			}),
		},
		{
			Name: "unknown-is-booked", Tells: "a booking of unknown outcome counts as accepted", Scope: silent, Property: parcelsToldRight,
			Break: at(shipping.Unknown, func(own own[shipping.BookingAnswered], x shipping.Shipment, r shipping.BookingAnswered, out *flow.Out) shipping.Shipment {
				r.Outcome = shipping.Accepted
				return own(x, r, out)
			}),
		},
		{
			Name: "refusal-unheard", Tells: "a refusal by the carrier is passed over", Scope: refused, Property: everyOrderEnds,
			Break: at(shipping.Refused, func(_ own[shipping.BookingAnswered], x shipping.Shipment, _ shipping.BookingAnswered, _ *flow.Out) shipping.Shipment {
				return x
			}),
		},
		{
			Name: "refusal-waits", Tells: "a parcel that is refused is booked again, for ever", Scope: refused, Property: AllEnd,
			Break: at(shipping.Refused, func(_ own[shipping.BookingAnswered], x shipping.Shipment, _ shipping.BookingAnswered, out *flow.Out) shipping.Shipment {
				out.Call(shipping.Book{ShipmentID: x.ID, OrderID: x.OrderID, Address: x.Address, Lines: x.Lines})
				return x
			}),
		},
	}
}

// unbookingMutants are about how a booking is undone.
func unbookingMutants() []Mutant {
	return []Mutant{
		{
			Name: "collected-is-unbooked", Tells: "a parcel that was collected before it could be unbooked counts as not shipped", Scope: collected, Property: paidParcelsOnly,
			Break: func(s *System) {
				spoilAnswer(&s.Shipping, shipping.Unbook{}, hearing(func(x shipping.Shipment, r shipping.Unbooked) (shipping.Shipment, shipping.Unbooked) {
					r.Collected = false
					return x, r
				}))
			},
		},
		{
			Name: "shipment-renamed", Tells: "an order that is published a second time gives its shipment another key", Scope: twice, Property: askedAsOrdered,
			Break: func(s *System) {
				spoil(&s.Shipping, hearing(func(x shipping.Shipment, e events.OrderPlaced) (shipping.Shipment, events.OrderPlaced) {
					x.Placed = false
					return x, e
				}))
			},
		},
	}
}
