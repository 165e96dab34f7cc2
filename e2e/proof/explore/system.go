package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// System is what is explored: five participants, and what they count on.
type System struct {
	Order     flow.Participant[order.Order]
	Inventory flow.Participant[inventory.Reservation]
	Payment   flow.Participant[payment.Payment]
	Shipping  flow.Participant[shipping.Shipment]
	Email     flow.Participant[email.Mailbox]
	Kit       Kit
	Outside   Outside
}

// Kit is what pkg/engine promises to the participants. Each promise can be
// broken, which shows what it is for. What a broken promise lets happen is
// bounded: twice per service and order.
type Kit struct {
	// Inbox: a record, or a command's idempotency key, that was handled before
	// changes nothing.
	Inbox bool
	// Lanes: one owner's records of one order are taken in their order.
	Lanes bool
	// Fresh: a reaction is given the state that was committed last, also when
	// another instance committed it.
	Fresh bool
	// Atomic: state, outputs and the mark of the input commit together.
	// Broken: outputs may go out, and the input come again.
	Atomic bool
	// Outbox: what was committed is published, also after a crash.
	Outbox bool
	// Positions: a record counts as taken with the commit of what it caused,
	// and not before.
	Positions bool
	// Recovered: a call that is found open after a crash counts as one that may
	// have been made.
	Recovered bool
	// AtMostOnce: that a mail is begun is committed before it is sent.
	AtMostOnce bool
}

// Outside is what the provider and the carrier promise.
type Outside struct{ Provider, Carrier Keys }

// Keys are what a far side promises of the keys under which it is called. The
// mail server knows none, and promises nothing.
type Keys struct {
	// Idempotent: what was done under a key is not done again.
	Idempotent bool
	// Tombstones: after a void or an unbooking nothing happens under its key.
	Tombstones bool
	// Settles: whoever is answered knows how the call ended. Broken: an answer
	// may be that there is none yet, and nothing happened.
	Settles bool
}

// Production is the system as it runs.
func Production() System {
	return System{
		Order: order.Flow, Inventory: inventory.Flow, Payment: payment.Flow, Shipping: shipping.Flow, Email: email.Flow,
		Kit:     Kit{Inbox: true, Lanes: true, Fresh: true, Atomic: true, Outbox: true, Positions: true, Recovered: true, AtMostOnce: true},
		Outside: Outside{Provider: Keys{Idempotent: true, Tombstones: true, Settles: true}, Carrier: Keys{Idempotent: true, Tombstones: true, Settles: true}},
	}
}

// Rows are the five tables of the system.
func (s System) Rows() []flow.Row {
	rows := s.Order.Rows()
	rows = append(rows, s.Inventory.Rows()...)
	rows = append(rows, s.Payment.Rows()...)
	rows = append(rows, s.Shipping.Rows()...)
	return append(rows, s.Email.Rows()...)
}
