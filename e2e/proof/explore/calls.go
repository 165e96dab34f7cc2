package explore

import (
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/services/email"
)

// attempts are the steps of the oldest open call, the one in flight, and of the
// attempts that were left unanswered. An attempt that certainly had no effect changes
// nothing, so it is no step of its own. The attempts may be spent at any time, and that
// step stands for all of them.
func (m *model) attempts(service int, l local) []move {
	var moves []move
	if open := m.calls.values[l.calls]; len(open) > 0 {
		head := open[0]
		if _, mail := head.Effect.(email.SendMail); mail {
			moves = append(moves, m.sending(service, l, head)...)
		} else {
			moves = append(moves, m.calling(service, l, head)...)
		}
	}
	for i, flying := range m.flying.values[l.flying] {
		moves = append(moves, m.landing(service, l, i, flying)...)
	}
	return moves
}

// calling is an attempt of a call with an idempotency key.
func (m *model) calling(service int, l local, head call) []move {
	moves := m.answered(service, l, head)
	_, _, bounded := giveUp(head.Effect, false)
	if m.scope.May.has(Unanswered) {
		sent := l
		sent.flying = m.fly(l.flying, head)
		if bounded {
			sent.calls = m.head(l.calls, func(c *call) { c.Unsure = true })
		}
		if sent != l {
			moves = append(moves, m.failing(unanswered, service, sent, label(head.Effect)+"~sent", told{
				what: "makes an attempt of " + label(head.Effect) + "; no answer comes", with: party(head.Effect), said: label(head.Effect),
			}))
		}
	}
	if m.scope.May.has(GivesUp) && bounded {
		moves = append(moves, m.ended(service, l, head, head.Unsure, "")...)
	}
	return moves
}

// sending is an attempt of a mail, which is begun at most once. A mail without an
// answer was accepted or was not. No service asks the mail server later, so the moment
// of that decision makes no difference, and it is decided at once.
func (m *model) sending(service int, l local, head call) []move {
	if head.Found {
		return m.ended(service, l, head, true, "")
	}
	moves := m.answered(service, l, head)
	if m.scope.May.has(MailFails) {
		moves = append(moves, m.ended(service, l, head, false, "")...)
		moves = append(moves, m.ended(service, l, head, true, "")...)
		l.far = m.accepted(l.far, head)
		moves = append(moves, m.ended(service, l, head, true, "-but-accepted")...)
	}
	return moves
}

// accepted is the mail server's ledger after it accepted the mail and its answer was
// lost.
func (m *model) accepted(far int32, mail call) int32 {
	known := m.ledgers.values[far]
	a := known.at(keyOf(mail.Effect))
	a.About = aboutOf(mail.Effect)
	a.Status = "accepted"
	a.Times++
	return m.ledgers.id(known.with(a))
}

// answered are the ways in which an attempt of the head is answered: it arrives, the
// far side acts, and the service applies the result. An answer that is received and not
// applied yet is no state of its own. It equals two attempts. The first arrives and
// stays unanswered. The next gets the same answer, at the moment when the result is
// applied.
func (m *model) answered(service int, l local, head call) []move {
	far := m.ledgers.values[l.far]
	var moves []move
	for _, d := range m.sys.Outside.deeds(head.Effect, far.at(keyOf(head.Effect))) {
		if d.choice != 0 && !m.scope.May.has(d.choice) {
			continue
		}
		done := l
		done.far = m.ledgers.id(far.with(d.account))
		name := label(head.Effect) + "=" + d.says
		t := told{what: "calls " + label(head.Effect) + "; the answer is " + d.says, with: party(head.Effect), said: label(head.Effect) + ": " + d.says}
		if d.result == nil {
			moves = append(moves, m.bare(service, done, name, t))
			continue
		}
		moves = append(moves, m.settled(service, done, head, d.result, name, t)...)
	}
	return moves
}

// ended is the head with its attempts spent.
func (m *model) ended(service int, l local, head call, unknown bool, suffix string) []move {
	result, outcome, _ := giveUp(head.Effect, unknown)
	what := "gives " + label(head.Effect) + " up: as far as it knows, no attempt had an effect"
	switch {
	case suffix != "":
		what = "ends " + label(head.Effect) + " as unknown: it was accepted, and the answer is lost"
	case unknown:
		what = "ends " + label(head.Effect) + " as unknown: an attempt may have had an effect"
	}
	return m.settled(service, l, head, result, label(head.Effect)+"="+outcome+suffix, told{what: what})
}

// settled applies a result: with it the call's row is gone.
func (m *model) settled(service int, l local, head call, result any, name string, t told) []move {
	l.calls = m.calls.id(slices.Clone(m.calls.values[l.calls][1:]))
	var moves []move
	for _, r := range m.feed(service, l, input{id: head.ID, cause: head.Cause, body: result}, nil) {
		moves = append(moves, m.moved(service, r, name, t))
	}
	return moves
}

// landing is an attempt that was left unanswered: the far side may receive it at any
// later moment, or never.
func (m *model) landing(service int, l local, i int, flying call) []move {
	gone := l
	gone.flying = m.flying.id(slices.Delete(slices.Clone(m.flying.values[l.flying]), i, i+1))
	far := m.ledgers.values[l.far]
	moves := []move{m.bare(service, gone, label(flying.Effect)+"~vanishes", told{what: "'s unanswered attempt of " + label(flying.Effect) + " never arrives"})}
	for _, d := range m.sys.Outside.deeds(flying.Effect, far.at(keyOf(flying.Effect))) {
		if d.choice != 0 && !m.scope.May.has(d.choice) {
			continue
		}
		landed := gone
		landed.far = m.ledgers.id(far.with(d.account))
		moves = append(moves, m.bare(service, landed, label(flying.Effect)+"~arrives:"+d.says, told{
			what: "'s unanswered attempt of " + label(flying.Effect) + " arrives late, and the answer, " + d.says + ", is lost", with: party(flying.Effect), said: label(flying.Effect) + " (late): " + d.says,
		}))
	}
	return moves
}

// crashes are the ends and new starts of a process. Its committed state is there, and
// its committed records are published: a record that is published late is one that
// readers handle late. Its open calls may have been made. A crash before a commit is no
// step: it changes nothing, and the input is delivered again.
func (m *model) crashes(service int, l local) []move {
	if !m.scope.May.has(Crashes) {
		return nil
	}
	name := "crash " + serviceNames[service]
	var moves []move
	crashed := l
	crashed.calls = m.calls.id(m.recovered(m.calls.values[l.calls]))
	if crashed != l {
		moves = append(moves, m.failing(crashing, service, crashed, name, told{what: "crashes, and starts again: its open calls may have been made", with: serviceNames[service]}))
	}
	open := m.calls.values[l.calls]
	if len(open) > 0 && service == ofEmail && !open[0].Found {
		sending := l
		if m.sys.Kit.AtMostOnce {
			sending.calls = m.head(l.calls, func(c *call) { c.Found = true })
		}
		t := told{what: "crashes while it sends " + label(open[0].Effect) + ", and starts again", with: party(open[0].Effect), said: label(open[0].Effect)}
		if sending != l {
			moves = append(moves, m.failing(crashing, service, sending, name+" while sending", t))
		}
		sending.far = m.accepted(l.far, open[0])
		t.what += "; the mail was accepted"
		moves = append(moves, m.failing(crashing, service, sending, name+" after sending", t))
	}
	return moves
}

func (m *model) recovered(open []call) []call {
	open = slices.Clone(open)
	for i := range open {
		if _, _, bounded := giveUp(open[i].Effect, false); bounded && party(open[i].Effect) != "mail server" {
			open[i].Unsure = m.sys.Kit.Recovered
		}
	}
	return open
}

func (m *model) head(calls int32, change func(*call)) int32 {
	open := slices.Clone(m.calls.values[calls])
	change(&open[0])
	return m.calls.id(open)
}

// fly adds an attempt to those that may yet arrive. One attempt per call is enough: a
// far side that honours the key has nothing to do for the others.
func (m *model) fly(flying int32, c call) int32 {
	c.Unsure, c.Found = false, false
	fs := slices.Clone(m.flying.values[flying])
	for _, f := range fs {
		if f.ID == c.ID {
			return flying
		}
	}
	fs = append(fs, c)
	slices.SortFunc(fs, func(a, b call) int { return strings.Compare(a.ID, b.ID) })
	return m.flying.id(fs)
}
