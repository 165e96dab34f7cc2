// Package email tells the customer what became of an order.
package email

import (
	"slices"

	"github.com/quintet-eda/quintet/schemas/events"
)

// Mailbox is what email knows of one order.
type Mailbox struct {
	OrderID string
	Address string // where the customer is told; never logged
	Notices []Notice
}

// Notice is one thing that the customer is told.
type Notice struct {
	ID     string        `json:"id"`
	Kind   events.Kind   `json:"kind"`
	Reason events.Reason `json:"reason,omitempty"` // of a cancellation
	Status Status        `json:"status"`
	Cause  events.Cause  `json:"cause,omitempty"` // of a failure
}

// Status is how far a notice is.
type Status string

const (
	Waiting Status = "waiting" // for OrderPlaced, which has the address
	Sending Status = "sending"
	Sent    Status = "sent"
	Failed  Status = "failed" // or nobody knows: it is not tried again
)

// SendMail sends one notification. It is made at most once: mail has no idempotency
// key, and two are worse than none.
type SendMail struct {
	NotificationID string        `json:"notificationId"`
	OrderID        string        `json:"orderId"`
	To             string        `json:"to"`
	Kind           events.Kind   `json:"kind"`
	Reason         events.Reason `json:"reason,omitempty"`
}

// MailAnswered is how a mail ended; no cause means that it was accepted.
type MailAnswered struct {
	NotificationID string       `json:"notificationId"`
	Cause          events.Cause `json:"cause,omitempty"`
}

// told reports whether there is a notice of a kind. The one of OrderPlaced
// also tells that the address is known, even one that is empty: to that the
// mail fails, and is recorded so, and does not wait for ever.
func (m Mailbox) told(k events.Kind) bool {
	return slices.ContainsFunc(m.Notices, func(n Notice) bool { return n.Kind == k })
}
