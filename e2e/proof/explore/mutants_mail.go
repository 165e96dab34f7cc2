package explore

import (
	"errors"
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
)

// mailMutants are about what the customer is told.
func mailMutants() []Mutant {
	type own[E any] = reaction[E, email.Mailbox]
	return []Mutant{
		{
			Name: "mail-before-outcome", Tells: "the outcome is mailed when the shipment is created, before the order has completed", Scope: mailed, Property: outcomeMailsFollow,
			Break: func(s *System) {
				completed := original[events.OrderCompleted](s.Email)
				spoil(&s.Email, func(own[events.ShipmentCreated]) own[events.ShipmentCreated] {
					return func(m email.Mailbox, e events.ShipmentCreated, out *flow.Out) email.Mailbox {
						return completed(m, events.OrderCompleted{OrderID: e.OrderID}, out)
					}
				})
			},
		},
		{
			Name: "address-renamed", Tells: "a second record of the order turns its mails to another address", Scope: twiceMailed, Property: askedAsOrdered,
			Break: func(s *System) {
				welcome := original[events.OrderPlaced](s.Email)
				spoil(&s.Email, func(own[events.OrderPlaced]) own[events.OrderPlaced] {
					return func(m email.Mailbox, e events.OrderPlaced, out *flow.Out) email.Mailbox {
						m = welcome(m, e, out)
						m.Address = e.Email
						return m
					}
				})
			},
		},
		{
			Name: "mail-another-outcome", Tells: "a customer whose order was cancelled is told that it completed", Scope: stranger, Property: outcomeMailsFollow,
			Break: func(s *System) {
				completed := original[events.OrderCompleted](s.Email)
				spoil(&s.Email, func(own[events.OrderCancelled]) own[events.OrderCancelled] {
					return func(m email.Mailbox, e events.OrderCancelled, out *flow.Out) email.Mailbox {
						return completed(m, events.OrderCompleted{OrderID: e.OrderID}, out)
					}
				})
			},
		},
	}
}

// lostMailMutants are about mails of which nobody knows, and ends that come early.
func lostMailMutants() []Mutant {
	type own[E any] = reaction[E, email.Mailbox]
	return []Mutant{
		{
			Name: "mail-again", Tells: "a mail of unknown fate is sent again", Scope: unmailed, Property: mailsAcceptedOnce,
			Break: func(s *System) {
				spoilAnswer(&s.Email, email.SendMail{}, func(own own[email.MailAnswered]) own[email.MailAnswered] {
					return func(m email.Mailbox, r email.MailAnswered, out *flow.Out) email.Mailbox {
						i := slices.IndexFunc(m.Notices, func(n email.Notice) bool { return n.ID == r.NotificationID })
						if n := m.Notices[i]; r.Cause == events.CauseUnknown && n.Cause == "" {
							m.Notices = slices.Clone(m.Notices)
							m.Notices[i].Cause = r.Cause
							out.Call(email.SendMail{NotificationID: n.ID, OrderID: m.OrderID, To: m.Address, Kind: n.Kind, Reason: n.Reason})
							return m
						}
						return own(m, r, out)
					}
				})
			},
		},
		{
			Name: "mail-lost-in-silence", Tells: "that the fate of a mail is unknown is not recorded", Scope: unmailed, Property: customerTold,
			Break: func(s *System) {
				spoilAnswer(&s.Email, email.SendMail{}, func(own own[email.MailAnswered]) own[email.MailAnswered] {
					return func(m email.Mailbox, r email.MailAnswered, out *flow.Out) email.Mailbox {
						if r.Cause == events.CauseUnknown {
							return m
						}
						return own(m, r, out)
					}
				})
			},
		},
		{
			Name: "mail-nowhere", Tells: "an end that is heard of before the address is not mailed; and records of one lane overtake each other, without which no end comes first", Scope: stranger, Property: customerTold,
			Break: func(s *System) {
				s.Kit.Lanes = false
				dropEarlyEnd(s)
			},
		},
		{
			Name: "mail-insists-on-order", Tells: "an end that is heard of before the order is refused, and lanes are as above", Scope: stranger, Property: nothingParks,
			Break: func(s *System) {
				s.Kit.Lanes = false
				refuseEarlyEnd(s)
			},
		},
	}
}

// dropEarlyEnd forgets to mail an end that is heard of first.
func dropEarlyEnd(s *System) {
	spoil(&s.Email, func(own reaction[events.OrderCancelled, email.Mailbox]) reaction[events.OrderCancelled, email.Mailbox] {
		return func(m email.Mailbox, e events.OrderCancelled, out *flow.Out) email.Mailbox {
			if len(m.Notices) == 0 {
				return m
			}
			return own(m, e, out)
		}
	})
}

// refuseEarlyEnd cannot handle an end that is heard of first.
func refuseEarlyEnd(s *System) {
	spoil(&s.Email, func(own reaction[events.OrderCancelled, email.Mailbox]) reaction[events.OrderCancelled, email.Mailbox] {
		return func(m email.Mailbox, e events.OrderCancelled, out *flow.Out) email.Mailbox {
			if len(m.Notices) == 0 {
				out.Reject(errors.New("no such order"))
			}
			return own(m, e, out)
		}
	})
}
