package email

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// Flow is email's part in the choreography.
var Flow = flow.Participant[Mailbox]{
	Service: "email",
	Reactions: []flow.Reaction[Mailbox]{
		flow.OnEvent[events.OrderPlaced](welcome).Calls(SendMail{}),
		flow.OnEvent[events.OrderCompleted](tellCompleted).Calls(SendMail{}),
		flow.OnEvent[events.OrderCancelled](tellCancelled).Calls(SendMail{}),
		flow.OnResult[MailAnswered](record).ResultOf(SendMail{}).Emits(events.NotificationSent{}, events.NotificationFailed{}),
	},
	Terminal: []flow.Event{events.NotificationSent{}, events.NotificationFailed{}},
}

// welcome keeps the address, which no later event repeats, and sends the notices that
// waited for it. A second record of the order, under another id, changes nothing: a
// foreign producer must not redirect the mails of another's order to itself.
func welcome(m Mailbox, e events.OrderPlaced, out *flow.Out) Mailbox {
	if m.told(events.KindOrderPlaced) {
		return m
	}
	m.OrderID, m.Address = e.OrderID, e.Email
	m = tell(m, Notice{Kind: events.KindOrderPlaced}, out)
	for i, n := range m.Notices {
		if n.Status == Waiting {
			m.Notices = slices.Clone(m.Notices)
			m.Notices[i] = send(m, n, out)
		}
	}
	return m
}

func tellCompleted(m Mailbox, e events.OrderCompleted, out *flow.Out) Mailbox {
	m.OrderID = e.OrderID
	return tell(m, Notice{Kind: events.KindOrderCompleted}, out)
}

func tellCancelled(m Mailbox, e events.OrderCancelled, out *flow.Out) Mailbox {
	m.OrderID = e.OrderID
	return tell(m, Notice{Kind: events.KindOrderCancelled, Reason: e.Reason}, out)
}

// tell adds a notice, once per kind. The notice waits for the order's OrderPlaced: of
// an order placed by a foreign producer, email may receive the end first.
func tell(m Mailbox, n Notice, out *flow.Out) Mailbox {
	if m.told(n.Kind) {
		return m
	}
	n.ID, n.Status = out.ID("notification "+string(n.Kind)), Waiting
	if n.Kind == events.KindOrderPlaced || m.told(events.KindOrderPlaced) {
		n = send(m, n, out)
	}
	m.Notices = append(slices.Clone(m.Notices), n)
	return m
}

func send(m Mailbox, n Notice, out *flow.Out) Notice {
	n.Status = Sending
	out.Call(SendMail{NotificationID: n.ID, OrderID: m.OrderID, To: m.Address, Kind: n.Kind, Reason: n.Reason})
	return n
}

// record records the outcome of a mail, and publishes it.
func record(m Mailbox, r MailAnswered, out *flow.Out) Mailbox {
	i := slices.IndexFunc(m.Notices, func(n Notice) bool { return n.ID == r.NotificationID })
	if i < 0 || m.Notices[i].Status != Sending {
		return m
	}
	m.Notices = slices.Clone(m.Notices)
	n := &m.Notices[i]
	if r.Cause == "" {
		n.Status = Sent
		out.Emit(events.NotificationSent{OrderID: m.OrderID, NotificationID: n.ID, Kind: n.Kind})
		return m
	}
	n.Status, n.Cause = Failed, r.Cause
	out.Emit(events.NotificationFailed{OrderID: m.OrderID, NotificationID: n.ID, Kind: n.Kind, Cause: r.Cause})
	return m
}
