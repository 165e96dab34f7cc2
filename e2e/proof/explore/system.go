package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// System is the explored system: five participants, and the promises that they count
// on.
type System struct {
	Order     flow.Participant[order.Order]
	Inventory flow.Participant[inventory.Reservation]
	Payment   flow.Participant[payment.Payment]
	Shipping  flow.Participant[shipping.Shipment]
	Email     flow.Participant[email.Mailbox]
	Kit       Kit
	Outside   Outside

	altered *Alteration // a fault in one reaction; nil: none
}

// Kit is the promises of pkg/engine to the participants. Each promise can be broken,
// which shows its purpose. A broken promise shows at most twice per service and order.
type Kit struct {
	// Inbox: a record, or a command's idempotency key, that was handled before
	// changes nothing.
	Inbox bool
	// Lanes: a service handles one owner's records of one order in their order.
	Lanes bool
	// Fresh: a reaction is given the state that was committed last, also when
	// another instance committed it.
	Fresh bool
	// Atomic: state, outputs and the mark of the input commit together. Broken: outputs
	// may go out, and the input be delivered again.
	Atomic bool
	// Outbox: a committed event is published, also after a crash.
	Outbox bool
	// Positions: a record counts as handled with the commit of its effects, and not
	// before.
	Positions bool
	// Recovered: a call that is found open after a crash counts as one that may
	// have been made.
	Recovered bool
	// AtMostOnce: the mark that a mail is begun is committed before the mail is sent.
	AtMostOnce bool
}

// Outside holds the promises of the provider and the carrier.
type Outside struct{ Provider, Carrier Keys }

// Keys are a far side's promises about the keys of its calls. The mail server knows no
// keys, and promises nothing.
type Keys struct {
	// Idempotent: an action under a key is not repeated.
	Idempotent bool
	// Tombstones: after a void or an unbooking nothing happens under its key.
	Tombstones bool
	// Settles: each answer says how the call ended. Broken: an answer may be "later", and
	// nothing happened.
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
