// Package shipping books a carrier for an order that is paid. A booking that the
// carrier accepted is the order's point of no return.
package shipping

import "github.com/quintet-eda/quintet/schemas/events"

// Shipment is what shipping knows of one order.
type Shipment struct {
	OrderID        string
	ID             string
	Status         Status
	TrackingNumber string
	Address        *events.Address // nil: collected at a depot
	Lines          []events.OrderLine
	Placed         bool // OrderPlaced was handled: address and lines are set
	Paid           bool
	// CancelRequested is set when a cancellation was requested before the booking
	// began. Reason is then that request's, and ShipmentFailed carries it.
	CancelRequested bool
	Reason          events.Reason
}

// Status is how far a shipment is.
type Status string

const (
	Waiting   Status = ""          // for the address, the payment, or both
	Booking   Status = "booking"   // the call is open; from here on only its result decides
	Unbooking Status = "unbooking" // the booking has an unknown outcome and is being undone
	Booked    Status = "booked"    // the carrier has the parcel
	Failed    Status = "failed"    // nothing is booked
	Closed    Status = "closed"    // the order was cancelled before any call to the carrier
)

// Book asks the carrier to take an order.
type Book struct {
	ShipmentID string             `json:"shipmentId"`
	OrderID    string             `json:"orderId"`
	Address    *events.Address    `json:"address"`
	Lines      []events.OrderLine `json:"lines"`
}

// BookingAnswered is how a booking ended.
type BookingAnswered struct {
	Outcome        Outcome `json:"outcome"`
	TrackingNumber string  `json:"trackingNumber,omitempty"`
}

// Outcome separates a success, a refusal, a call without effect, and a call that may
// have had one.
type Outcome string

const (
	Accepted Outcome = "accepted"
	Refused  Outcome = "refused"
	GivenUp  Outcome = "given_up" // every attempt was answered or never sent: nothing is booked
	Unknown  Outcome = "unknown"  // an attempt was sent and not answered: it may be booked
)

// Unbook undoes a booking of unknown outcome, under the booking's own key.
type Unbook struct {
	ShipmentID string `json:"shipmentId"`
	OrderID    string `json:"orderId"`
}

// Unbooked is an unbooking that was answered.
type Unbooked struct {
	// Collected is set when the parcel is on its way: it cannot be undone.
	Collected      bool   `json:"collected"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
}
