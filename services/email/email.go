// Package email notifies the customer of an order's start and end.
package email

import (
	"slices"

	"github.com/quintet-eda/quintet/schemas/events"
)

// Mailbox is what email knows of one order.
type Mailbox struct {
	OrderID string
	Address string // of the customer; never logged
	Notices []Notice
}

// Notice is one notification of the customer.
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
	Failed  Status = "failed" // or its outcome is unknown; there is no retry
)

// SendMail sends one notification. The call has an effect at most once: mail has no
// idempotency key, and two mails are worse than none.
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

// told reports whether the mailbox has a notice of a kind. A notice of OrderPlaced also
// means that the address is set. Even an empty address counts: a mail to it fails and is
// recorded as failed, and does not wait for ever.
func (m Mailbox) told(k events.Kind) bool {
	return slices.ContainsFunc(m.Notices, func(n Notice) bool { return n.Kind == k })
}
