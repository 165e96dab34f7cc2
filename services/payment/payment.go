// Package payment takes the money of an order once its stock is held, and
// gives it back when the order cannot be shipped.
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
	Placed   bool   // the amount is known
	Held     bool   // the stock is reserved
	// StoodDown is set when the order was asked to be cancelled before the
	// charge began; Reason is passed on by whoever closes the payment.
	StoodDown bool
	Reason    events.Reason
}

// Status is how far a payment is.
type Status string

const (
	Waiting   Status = ""          // for the amount, the reservation, or both
	Charging  Status = "charging"  // the provider was asked; from here on only its answer decides
	Voiding   Status = "voiding"   // the charge has an unknown outcome and is being undone
	Paid      Status = "paid"      //
	Refunding Status = "refunding" // the order cannot be shipped
	Failed    Status = "failed"    // nothing was taken, or all of it was voided
	MoneyBack Status = "refunded"  //
	Closed    Status = "closed"    // the order was cancelled before anything was asked of the provider
)
