package e2e

import "strings"

// checkMails: each notification was sent at most once. A mail recorded as sent was
// accepted. A mail recorded as failed may be missing, but never be there twice. An
// accepted mail is in the mailbox, once. The exception is a mail that the sandbox
// refused, since it could not know whether the mailbox has it.
func (s *Seen) checkMails(v *violations) {
	own := map[string]bool{}
	for _, order := range s.Acknowledged {
		own[order] = true
	}
	accepted := map[string]int{}  // by notification, which is in the message's id
	undecided := map[string]int{} // by the message's id: the mailbox may have it, and no server took it
	for _, m := range s.Mails {
		if m.Outcome == "undecided" {
			undecided[m.MessageID]++
		}
	}
	for _, m := range s.Mails {
		if m.Outcome == "accepted" {
			notification, _, _ := strings.Cut(m.MessageID, "@")
			accepted[notification]++
			// The mailbox loses its mails when it is restarted or emptied.
			if copies := s.Mailbox[m.MessageID]; s.Mailbox != nil && (copies > 1+undecided[m.MessageID] || copies == 0 && own[m.OrderID]) {
				v.add("mail %s was accepted, and is %d times in the mailbox", m.MessageID, copies)
			}
		}
	}
	events := s.notificationEvents()
	for _, order := range s.orders() {
		kinds := map[string]bool{}
		for _, n := range s.Notifications[order] {
			if kinds[n.Kind] {
				v.add("order %s has two notifications of kind %s", order, n.Kind)
			}
			kinds[n.Kind] = true
			s.checkNotification(v, order, n, accepted[n.ID], events[n.ID])
			delete(accepted, n.ID)
		}
		if end := s.Orders[order].Status; terminal(end) && (!kinds["order_placed"] || !kinds["order_"+end]) {
			v.add("order %s is %s, and its customer was told %d things only", order, end, len(kinds))
		}
	}
	for id, times := range accepted {
		v.add("mail %s was accepted %d times, and no notification is behind it", id, times)
	}
}

func (s *Seen) checkNotification(v *violations, order string, n Notification, copies int, event string) {
	if copies > 1 {
		v.add("notification %s (%s) of order %s was sent %d times", n.ID, n.Kind, order, copies)
	}
	switch {
	case n.Status == "sent" && copies == 0:
		v.add("notification %s (%s) of order %s is recorded as sent, and no server took it", n.ID, n.Kind, order)
	case n.Status == "failed" && copies > 0 && n.Cause != "unknown":
		v.add("notification %s (%s) of order %s is recorded as %s, and a server took it", n.ID, n.Kind, order, n.Cause)
	case n.Status != "sent" && n.Status != "failed":
		v.add("notification %s (%s) of order %s is at rest as %q", n.ID, n.Kind, order, n.Status)
	}
	if want := map[string]string{"sent": "NotificationSent", "failed": "NotificationFailed"}[n.Status]; event != want {
		v.add("notification %s (%s) of order %s is %s, and its event is %q", n.ID, n.Kind, order, n.Status, event)
	}
}

// notificationEvents are the names of the events about each notification.
func (s *Seen) notificationEvents() map[string]string {
	names := map[string]string{}
	seen := map[string]bool{}
	for _, f := range s.Facts {
		if id := f.text("notificationId"); id != "" && !seen[f.ID] {
			seen[f.ID] = true
			names[id] += f.Name() // two events of one notification make an unknown name
		}
	}
	return names
}
