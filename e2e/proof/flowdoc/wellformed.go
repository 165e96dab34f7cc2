package flowdoc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// A choreography is well-formed when four conditions hold. Swarm protocols ask for the
// first two (Kuhn, Melgratti, Tuosto: Behavioural Types for Local-First Software, ECOOP
// 2023): one role chooses each branch, and each role that takes part in it afterwards
// can tell which it was. Sagas ask for the third: compensatable steps, one pivot,
// retriable steps. The fourth makes runs finite; without it the others promise nothing.
//
//   - WaysOut: each participant that waits is released.
//   - Branches: one participant decides, and each that acts on the decision is
//     notified.
//   - Pivots: up to one point all can be undone, and after it nothing fails.
//   - Cycles: nothing repeats.
//
// A participant rests when none of its calls is open and none of its timers runs: then
// only others can move it. It waits for an event when it rests, has not received the
// event, and would put out something on receiving it. A reaction that only records the
// event does not make it wait.

// IllFormed returns the findings of all four checks.
func (p *Protocol) IllFormed() []string {
	return slices.Concat(p.WaysOut(), p.Branches(), p.Pivots(), p.Cycles())
}

// WaysOut reports where a participant waits for ever:
//
//   - with an open call that has no reaction to its result, or a reaction that puts out
//     neither an event nor a call nor a timer;
//   - on an input that the reaction refuses, so that the lane waits behind it (a
//     command may be refused, but not for an output that is not declared);
//   - for events that no participant emits any more, in a complete log without an end.
func (p *Protocol) WaysOut() []string {
	var found sentences
	for _, l := range p.locals {
		for _, s := range l.situations {
			for _, c := range s.calls.each() {
				if len(l.calls[c].results) == 0 {
					found.say("%s has asked for %s in state %s, and takes no result of it", l.service, l.calls[c].name(), l.shown(s))
				}
			}
		}
		for _, m := range l.moves {
			from := l.situations[m.from]
			st := l.steps[[2]int{from.state, m.input}]
			switch in := l.inputs[m.input]; {
			case st.refused != nil && (l.row(m.input).Kind != flow.KindCommand || errors.Is(st.refused, flow.ErrUndeclared)):
				found.say("%s refuses %s in state %s: %v", l.service, l.told(m.input), l.shown(from), st.refused)
			case in.bit < 0 && !st.says:
				found.say("%s takes %s in state %s, and nothing comes of it", l.service, l.told(m.input), l.shown(from))
			}
		}
	}
	for _, log := range p.logs {
		if log.events.has(p.completed) || log.events.has(p.cancelled) {
			continue
		}
		found.say("after %s nothing follows, and the order has no end", p.names(log.events))
		p.eachRest(log, func(l *local, s situation) {
			if awaited := l.awaits(s); awaited != 0 {
				found.say("after %s nothing follows: %s waits in state %s for %s", p.names(log.events), l.service, l.shown(s), p.names(awaited))
			}
		})
	}
	return found.sorted()
}

// Branches reports where a branch has no owner, or a participant was not notified of
// it. A decision is an event after which, by the tables, only one of the two ends can
// come, and before which both could.
//
//   - Every complete log that ends holds one decision. Two decisions in one log mean
//     that two participants (or one, twice) chose independently of each other.
//   - In a complete log that ends, no participant waits for an event that only another
//     decision would have brought. Two cases are exempt. The participant has received
//     an event that excludes it (no complete log holds both). Or it would only undo a
//     step of its own that stands: it may stand ready to undo without word that nothing
//     will come.
func (p *Protocol) Branches() []string {
	var found sentences
	for _, log := range p.logs {
		if !log.events.has(p.completed) && !log.events.has(p.cancelled) {
			continue
		}
		if by := p.decisions(log.events); len(by) != 1 {
			said := make([]string, len(by))
			for i, e := range by {
				said[i] = fmt.Sprintf("%s by %s", short(p.events[e]), p.owner(e))
			}
			found.say("%s holds %d decisions and not one: %s", p.names(log.events), len(by), strings.Join(said, ", "))
		}
		p.eachRest(log, func(l *local, s situation) {
			for _, e := range l.awaits(s).each() {
				if !p.excluded(e, s.had&l.hears|s.emitted) && !p.undoes(l, e, s.emitted) {
					found.say("after %s %s still waits in state %s for %s: it is not told that this does not come", p.names(log.events), l.service, l.shown(s), short(p.events[e]))
				}
			}
		})
	}
	return found.sorted()
}

// decisions are the events of a log that leave one end, and do not follow from another
// such event of the log.
func (p *Protocol) decisions(log set) []int {
	var deciding set
	for _, e := range log.each() {
		if after := p.reach(e); after.has(p.completed) != after.has(p.cancelled) {
			deciding = deciding.with(e)
		}
	}
	return slices.DeleteFunc(deciding.each(), func(e int) bool {
		return slices.ContainsFunc(deciding.each(), func(d int) bool { return d != e && p.reach(d).has(e) })
	})
}

// excluded reports whether one of the events that a participant knows comes in no log
// with e.
func (p *Protocol) excluded(e int, knows set) bool {
	return slices.ContainsFunc(knows.each(), func(k int) bool {
		return !slices.ContainsFunc(p.logs, func(log completeLog) bool { return log.events.has(e) && log.events.has(k) })
	})
}

// undoes reports whether every event that a participant would emit because of e undoes
// a step that it has emitted.
func (p *Protocol) undoes(l *local, e int, emitted set) bool {
	at := slices.IndexFunc(l.rows, func(r flow.Row) bool { return r.Input == p.events[e] })
	follow := emitsOf(l.rows, l.rows[at], nil)
	for _, f := range follow {
		stands := slices.ContainsFunc(l.undone, func(u flow.Compensation) bool {
			return u.By.EventType() == f && emitted.has(l.place[u.Step.EventType()])
		})
		if !stands {
			return false
		}
	}
	return len(follow) > 0
}

// eachRest visits the situations in which the participants may rest in a complete log.
func (p *Protocol) eachRest(log completeLog, visit func(*local, situation)) {
	for i, l := range p.locals {
		for _, at := range log.rests[i] {
			visit(l, l.situations[at])
		}
	}
}

// awaits are the events that a participant waits for.
func (l *local) awaits(s situation) set {
	var awaited set
	for i, r := range l.rows {
		if r.Kind != flow.KindEvent || s.had.has(l.place[r.Input]) {
			continue
		}
		for _, in := range l.byRow[i] {
			if st, err := l.step(s.state, in); err == nil && st.says {
				awaited = awaited.with(l.place[r.Input])
			}
		}
	}
	return awaited
}

// shown is a situation as sentences name it.
func (l *local) shown(s situation) string { return fmt.Sprintf("%q", l.show(l.states[s.state])) }

func (l *local) told(in int) string {
	return strings.TrimSuffix(fmt.Sprintf("%s%+v", short(l.row(in).Input), l.inputs[in].body), "{}")
}

// sentences are findings, each once.
type sentences []string

func (s *sentences) say(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

func (s *sentences) sorted() []string {
	slices.Sort(*s)
	return slices.Compact(*s)
}
