// Package payment charges an order once its stock is reserved, and refunds the money
// when the order cannot be shipped.
package payment

import "github.com/quintet-eda/quintet/schemas/events"

// Payment is what payment knows of one order.
type Payment struct {
	OrderID  string
	ID       string
	Status   Status
	Due      int64 // minor units
	Currency string
	Token    string // of the card; never logged
	Placed   bool   // OrderPlaced was handled: the amount is set
	Held     bool   // the stock is reserved
	// CancelRequested is set when a cancellation was requested before the charge
	// began. Reason is then that request's, and PaymentFailed carries it.
	CancelRequested bool
	Reason          events.Reason
}

// Status is how far a payment is.
type Status string

const (
	Waiting   Status = ""          // for the amount, the reservation, or both
	Charging  Status = "charging"  // the call is open; from here on only its result decides
	Voiding   Status = "voiding"   // the charge has an unknown outcome and is being voided
	Paid      Status = "paid"      // the provider has taken the money
	Refunding Status = "refunding" // the order cannot be shipped
	Failed    Status = "failed"    // nothing was taken, or all of it was voided
	MoneyBack Status = "refunded"  // the provider has given the money back
	Closed    Status = "closed"    // the order was cancelled before any call to the provider
)

// Charge asks the provider for the money of an order.
type Charge struct {
	PaymentID string `json:"paymentId"`
	OrderID   string `json:"orderId"`
	Amount    int64  `json:"amount"` // minor units
	Currency  string `json:"currency"`
	Token     string `json:"token"`
}

// Charged is how a charge ended.
type Charged struct {
	Outcome Outcome `json:"outcome"`
}

// Outcome separates a success, a refusal, a call without effect, and a call that may
// have had one.
type Outcome string

const (
	Approved Outcome = "approved"
	Declined Outcome = "declined"
	GivenUp  Outcome = "given_up" // every attempt was answered or never sent: nothing was taken
	Unknown  Outcome = "unknown"  // an attempt was sent and not answered: the money may be taken
)

// Void undoes a charge of unknown outcome, under the charge's own key.
type Void struct {
	PaymentID string `json:"paymentId"`
	OrderID   string `json:"orderId"`
}

// Voided is a void that was answered.
type Voided struct{}

// Refund gives the money of a charge back.
type Refund struct {
	PaymentID string `json:"paymentId"`
	OrderID   string `json:"orderId"`
	Amount    int64  `json:"amount"` // minor units
}

// Refunded is a refund that was answered.
type Refunded struct{}
