package explore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// View is one order in a world, as its five services and the outside see it.
type View struct {
	Order       *order.Order
	Reservation *inventory.Reservation
	Payment     *payment.Payment
	Shipment    *shipping.Shipment
	Mailbox     *email.Mailbox

	// The far sides' accounts, by key.
	Provider, Carrier, MailServer ledger

	topics  [services]*topic
	parts   [services]*local
	numbers [services]uint32 // of the parts
	m       *model
}

// view shows an order of a world. The view is valid until the next call.
func (m *model) view(v *View, order []uint32) *View {
	for s, c := range order {
		l := &m.parts[s].values[c]
		v.parts[s], v.numbers[s] = l, c
		v.topics[s] = m.topics.values[l.topic]
	}
	v.m = m
	v.Order = &m.orders.values[v.parts[ofOrder].state]
	v.Reservation = &m.reservations.values[v.parts[ofInventory].state]
	v.Payment = &m.payments.values[v.parts[ofPayment].state]
	v.Shipment = &m.shipments.values[v.parts[ofShipping].state]
	v.Mailbox = &m.mailboxes.values[v.parts[ofEmail].state]
	v.Provider = m.ledgers.values[v.parts[ofPayment].far]
	v.Carrier = m.ledgers.values[v.parts[ofShipping].far]
	v.MailServer = m.ledgers.values[v.parts[ofEmail].far]
	return v
}

// said is the number of events of a type that an owner has published.
func (v *View) said(service int, e interface{ EventType() string }) int {
	return v.topics[service].types[e.EventType()]
}

// held is the money that the provider has of the order.
func (v *View) held() int64 {
	var held int64
	for i := range v.Provider {
		held += v.Provider[i].held()
	}
	return held
}

// parcels is the number of parcels that the carrier has, or will have, of the order.
func (v *View) parcels() int {
	n := 0
	for i := range v.Carrier {
		if v.Carrier[i].live() {
			n += v.Carrier[i].Times
		}
	}
	return n
}

// leaves reports a reaction that moves a service off an end. A terminal status is
// final, and so is every state that ends a service's part.
func (m *model) leaves(service int, before, after int32) string {
	var was, is string
	var ended, learns bool
	switch service {
	case ofOrder:
		a, b := m.orders.values[before], m.orders.values[after]
		was, is, ended = strings.TrimSpace(string(a.Status)+" "+string(a.Reason)), strings.TrimSpace(string(b.Status)+" "+string(b.Reason)), a.Status.Terminal()
	case ofInventory:
		a, b := m.reservations.values[before], m.reservations.values[after]
		was, is, ended = string(a.Status), string(b.Status), slices.Contains([]inventory.Status{inventory.Rejected, inventory.Released, inventory.Shipped}, a.Status)
	case ofPayment:
		a, b := m.payments.values[before], m.payments.values[after]
		was, is, ended = string(a.Status), string(b.Status), slices.Contains([]payment.Status{payment.Failed, payment.MoneyBack, payment.Closed}, a.Status)
		learns = a.Status == payment.Closed && (!a.Placed || a.ID == b.ID && a.Due == b.Due && a.Token == b.Token)
	case ofShipping:
		a, b := m.shipments.values[before], m.shipments.values[after]
		was, is, ended = string(a.Status), string(b.Status), slices.Contains([]shipping.Status{shipping.Booked, shipping.Failed, shipping.Closed}, a.Status)
		learns = a.Status == shipping.Closed && (!a.Placed || a.ID == b.ID && text(a.Address) == text(b.Address) && text(a.Lines) == text(b.Lines))
	case ofEmail:
		for _, n := range m.mailboxes.values[before].Notices {
			i := slices.IndexFunc(m.mailboxes.values[after].Notices, func(x email.Notice) bool { return x.ID == n.ID })
			if (n.Status == email.Sent || n.Status == email.Failed) && (i < 0 || m.mailboxes.values[after].Notices[i] != n) {
				return fmt.Sprintf("leaves: the notice %s was %s, and changes", n.Kind, n.Status)
			}
		}
	}
	// A closed part never began, and may record the order later, once.
	if ended && was == is && !learns && service != ofOrder && m.textOf(service, before) != m.textOf(service, after) {
		return fmt.Sprintf("leaves: %s was %s, and %s becomes %s", serviceNames[service], was, m.textOf(service, before), m.textOf(service, after))
	}
	if ended && was != is {
		return fmt.Sprintf("leaves: %s was %s, and becomes %s", serviceNames[service], was, cmp.Or(is, nothing))
	}
	return ""
}

// textOf is a state of inventory, payment or shipping as a text.
func (m *model) textOf(service int, state int32) string {
	switch service {
	case ofInventory:
		return text(m.reservations.values[state])
	case ofPayment:
		return text(m.payments.values[state])
	default:
		return text(m.shipments.values[state])
	}
}

// notices are the notices of a kind.
func (v *View) notices(kind events.Kind) []email.Notice {
	var found []email.Notice
	for _, n := range v.Mailbox.Notices {
		if n.Kind == kind {
			found = append(found, n)
		}
	}
	return found
}
