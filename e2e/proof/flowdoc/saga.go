package flowdoc

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Pivots reports where the choreography is no saga. The pivot of a log is its decision
// that the order completes.
//
//   - Some logs complete, and each of them has one pivot. Each log with a pivot
//     completes, is not cancelled, and undoes nothing.
//   - Every step before the pivot is compensatable. A step is an event after which both
//     ends are possible, of a participant other than the one that ends the order. Its
//     compensation is declared, and follows it in every log that is cancelled.
//   - Every step after the pivot is retriable. This adds nothing to the first point,
//     since the complete logs hold every answer to every call, also of calls after the
//     pivot. The same holds for compensations.
func (p *Protocol) Pivots() []string {
	var found sentences
	completes := false
	for _, log := range p.logs {
		pivots := slices.DeleteFunc(p.decisions(log.events), func(e int) bool { return !p.reach(e).has(p.completed) })
		completed, cancelled := log.events.has(p.completed), log.events.has(p.cancelled)
		completes = completes || completed
		if completed && len(pivots) != 1 {
			found.say("%s completes and has %d pivots", p.names(log.events), len(pivots))
		}
		if len(pivots) > 0 && (!completed || cancelled) {
			found.say("%s has the pivot %s and does not just complete", p.names(log.events), short(p.events[pivots[0]]))
		}
		for _, u := range p.undone {
			step, by := p.holds(log, u.Step), p.holds(log, u.By)
			if completed && by {
				found.say("%s completes and %s undoes it", p.names(log.events), short(u.By.EventType()))
			}
			if cancelled && step && !by {
				found.say("%s is cancelled and %s stands", p.names(log.events), short(u.Step.EventType()))
			}
		}
	}
	if !completes {
		found.say("no complete log holds %s", short(p.events[p.completed]))
	}
	return slices.Concat(found.sorted(), p.steps())
}

func (p *Protocol) holds(log completeLog, e flow.Event) bool {
	at := slices.Index(p.events, e.EventType())
	return at >= 0 && log.events.has(at)
}

// steps reports the events before the pivot that cannot be undone.
func (p *Protocol) steps() []string {
	var found sentences
	for e := range p.events {
		after := p.reach(e)
		if !after.has(p.completed) || !after.has(p.cancelled) || p.owner(e) == p.owner(p.completed) {
			continue
		}
		if !slices.ContainsFunc(p.undone, func(u flow.Compensation) bool { return u.Step.EventType() == p.events[e] }) {
			found.say("%s says %s before the pivot, and nothing is declared to undo it", p.owner(e), short(p.events[e]))
		}
	}
	return found.sorted()
}

// Cycles reports where a run may repeat. The budget of an event is one per order, and
// its owner's state keeps it. The budget of a call or a timer is the count in its
// participant's state.
//
//   - By the tables no event leads to itself.
//   - No local run emits an event with a consumer twice.
//   - No local run of results and timers returns to an earlier situation. A repeat that
//     a counter bounds does not return; a repeat without a bound does.
func (p *Protocol) Cycles() []string {
	var found sentences
	for e, name := range p.events {
		for _, next := range p.follows[name] {
			if at := slices.Index(p.events, next); at >= 0 && p.reach(at).has(e) {
				found.say("%s leads to %s, and that to %s again", short(name), short(next), short(name))
			}
		}
	}
	for _, l := range p.locals {
		for _, m := range l.moves {
			from := l.situations[m.from]
			st := l.steps[[2]int{from.state, m.input}]
			if twice := st.again | from.emitted&st.events; twice != 0 {
				found.say("%s emits %s again on %s in state %s", l.service, p.names(twice), l.told(m.input), l.shown(from))
			}
		}
		for _, at := range l.returns() {
			s := l.situations[at]
			found.say("%s comes back to state %s by its own calls and timers: nothing counts how often", l.service, l.shown(s))
		}
	}
	return found.sorted()
}

// returns are the situations that a participant can come back to by results
// and timers. Events and commands never lead back: each comes once.
func (l *local) returns() []int {
	next := make([][]int, len(l.situations))
	for _, m := range l.moves {
		refused := l.steps[[2]int{l.situations[m.from].state, m.input}].refused != nil
		if kind := l.row(m.input).Kind; !refused && (kind == flow.KindResult || kind == flow.KindTimer) {
			next[m.from] = append(next[m.from], m.to)
		}
	}
	const entered, left = 1, 2
	mark := make([]int, len(l.situations))
	var found []int
	var visit func(int)
	visit = func(at int) {
		mark[at] = entered
		for _, to := range next[at] {
			switch mark[to] {
			case entered:
				found = append(found, to)
			case 0:
				visit(to)
			}
		}
		mark[at] = left
	}
	for at := range next {
		if mark[at] == 0 {
			visit(at)
		}
	}
	return found
}
