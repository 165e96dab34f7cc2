package explore

import (
	"cmp"
	"fmt"
	"strings"
)

// standing is the status of an order at each of the five services.
func (v *View) standing() []string {
	o := cmp.Or(string(v.Order.Status), "unknown")
	if v.Order.Reason != "" {
		o += " (" + string(v.Order.Reason) + ")"
	}
	p := cmp.Or(string(v.Payment.Status), "waiting")
	if v.Payment.CancelRequested {
		p += ", stood down"
	}
	s := cmp.Or(string(v.Shipment.Status), "waiting")
	if v.Shipment.CancelRequested {
		s += ", stood down"
	}
	var mails []string
	for _, n := range v.Mailbox.Notices {
		mails = append(mails, strings.TrimPrefix(string(n.Kind), "order_")+" "+string(n.Status))
	}
	return []string{o, cmp.Or(string(v.Reservation.Status), "unknown"), p, s, cmp.Or(strings.Join(mails, ", "), nothing)}
}

// outside describes the far sides' accounts of an order.
func (v *View) outside() string {
	provider, carrier, mails, bounced := nothing, nothing, 0, ""
	for i, a := range v.Provider {
		if i == 0 {
			provider = ""
		}
		provider = strings.TrimSpace(fmt.Sprintf("%s %s", provider, cmp.Or(a.Status, "was asked, and did nothing")))
		if a.Captured > 0 {
			provider += fmt.Sprintf(" (%d taken, %d given back)", a.Captured, a.Back)
		}
	}
	for i, a := range v.Carrier {
		if i == 0 {
			carrier = ""
		}
		carrier = strings.TrimSpace(fmt.Sprintf("%s %s", carrier, cmp.Or(a.Status, "was asked, and did nothing")))
	}
	for _, a := range v.MailServer {
		mails += a.Times
		if a.Status == "bounced" {
			bounced = ", one bounced"
		}
	}
	return fmt.Sprintf("provider %s · carrier %s · mails accepted %d%s", provider, carrier, mails, bounced)
}

// open describes the open work of an order: its calls, its timers, and its attempts in
// flight. A call that may have had an effect already is named apart from one that
// cannot have.
func (v *View) open() string {
	var calls, timers, flying []string
	for _, l := range v.parts {
		for _, c := range v.m.calls.values[l.calls] {
			name := label(c.Effect)
			switch {
			case c.Unsure:
				name += " (may have had an effect)"
			case c.Found:
				name += " (was begun before a crash)"
			}
			calls = append(calls, name)
		}
		for _, t := range v.m.timers.values[l.timers] {
			timers = append(timers, t.Name)
		}
		for _, c := range v.m.flying.values[l.flying] {
			flying = append(flying, label(c.Effect))
		}
	}
	var parts []string
	for _, p := range []struct {
		name string
		of   []string
	}{{"open", calls}, {"running", timers}, {"on its way", flying}} {
		if len(p.of) > 0 {
			parts = append(parts, p.name+": "+strings.Join(p.of, ", "))
		}
	}
	return strings.Join(parts, " · ")
}
