package e2e

import (
	"encoding/json"
	"time"
)

// Placement is the body of POST /orders.
type Placement struct {
	CustomerID      string  `json:"customerId"`
	Email           string  `json:"email"`
	Currency        string  `json:"currency,omitempty"`
	PaymentToken    string  `json:"paymentToken"`
	ShippingAddress Address `json:"shippingAddress"`
	Lines           []Line  `json:"lines"`
}

// Address is where an order goes.
type Address struct {
	Name     string `json:"name"`
	Line1    string `json:"line1"`
	City     string `json:"city"`
	Postcode string `json:"postcode"`
	Country  string `json:"country"`
}

// Line is one position of an order; the price is in minor units.
type Line struct {
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`
	UnitPrice int64  `json:"unitPrice"`
}

// Accepted is the answer to a command about an order.
type Accepted struct {
	OrderID string `json:"orderId"`
	Status  string `json:"status"`
}

// Order is an order as its service shows it.
type Order struct {
	OrderID  string `json:"orderId"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	External bool   `json:"external"`
	Total    int64  `json:"total"`
	Progress []Step `json:"progress"`
}

// Step is one fact of an order's progress.
type Step struct {
	Event  string    `json:"event"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Has reports whether the order's progress contains an event.
func (o Order) Has(event string) bool {
	for _, s := range o.Progress {
		if s.Event == event {
			return true
		}
	}
	return false
}

func terminal(status string) bool { return status == "completed" || status == "cancelled" }

// Stock is the level of one SKU.
type Stock struct {
	SKU      string `json:"sku"`
	OnHand   int64  `json:"onHand"`
	Reserved int64  `json:"reserved"`
	Shipped  int64  `json:"shipped"`
	Received int64  `json:"received"`
}

// Payment is an order's payment as its service shows it.
type Payment struct {
	PaymentID string `json:"paymentId"`
	Status    string `json:"status"`
	Amount    int64  `json:"amount"`
	Reason    string `json:"reason"`
}

// Shipment is an order's shipment as its service shows it.
type Shipment struct {
	ShipmentID     string `json:"shipmentId"`
	Status         string `json:"status"`
	TrackingNumber string `json:"trackingNumber"`
	Reason         string `json:"reason"`
}

// Notification is one notification of the customer, as the email service shows it.
type Notification struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Status string `json:"status"`
	Reason string `json:"reason"`
	Cause  string `json:"cause"`
}

// Fault makes a share of the calls to a dependency fail or be slow.
type Fault struct {
	Dependency string  `json:"dependency"` // payment, carrier or mail
	Kind       string  `json:"kind"`       // refuse, error, latency or lost
	Rate       float64 `json:"rate"`
	For        string  `json:"for,omitempty"`     // until lifted when empty
	Latency    string  `json:"latency,omitempty"` // with kind latency only
}

// Pending is a service's work left to do. An unknown count is not zero: it stands under
// Unknown, with the reason.
type Pending struct {
	Lag     int64             `json:"lag"`
	Queued  int64             `json:"queued"`
	Outbox  int64             `json:"outbox"`
	Effects int64             `json:"effects"`
	Timers  int64             `json:"timers"`
	Parked  int64             `json:"parked"`
	Handled int64             `json:"handled"`
	Unknown map[string]string `json:"unknown,omitempty"`
}

// UnmarshalJSON adds a count that is null or missing to Unknown, even if the service
// does not list it there.
func (p *Pending) UnmarshalJSON(text []byte) error {
	type plain Pending
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	var said map[string]any
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	for _, name := range []string{"lag", "queued", "outbox", "effects", "timers", "parked", "handled"} {
		if said[name] == nil && p.Unknown[name] == "" {
			if p.Unknown == nil {
				p.Unknown = map[string]string{}
			}
			p.Unknown[name] = "it does not say"
		}
	}
	return nil
}
