package flowdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// Protocol is a choreography taken apart for checks: its graph of events, the local
// automaton of each participant, and the complete logs that these allow.
//
// A log is complete when no event follows any more. Every participant rests (no call is
// open, no timer runs). It has consumed all events that the log holds for it, and has
// emitted all events that the log holds of it. Complete logs are found by joining the
// rests of the participants, not by playing them against each other, so no schedule is
// walked. None is missed: once a run is still, its events are a complete log, since
// each participant has done one of its local runs.
//
// The local automata rely on each event coming at most once per order. Cycles shows
// this of them: the first event that came twice would have been emitted twice by an
// owner that had consumed none twice.
type Protocol struct {
	rows   []flow.Row
	undone []flow.Compensation
	events []string // those with a consumer
	locals []*local
	logs   []completeLog

	follows              map[string][]string
	completed, cancelled int
}

// completeLog is all events of an order in the end.
type completeLog struct {
	events set
	rests  [][]int // by participant: the situations in which it may rest
}

// Study takes a choreography apart. It returns an error for a participant that cannot
// be enumerated: an input without a known representative, or situations without end.
func Study(c Choreography) (*Protocol, error) {
	p := &Protocol{}
	parts := c.parts()
	for _, part := range parts {
		p.rows = append(p.rows, part.rows...)
		p.undone = append(p.undone, part.undone...)
	}
	place := map[string]int{}
	for _, e := range append(Emitted(p.rows), heard(p.rows)...) {
		if _, known := place[e.EventType()]; !known && len(Consumers(p.rows, e.EventType())) > 0 {
			place[e.EventType()] = len(p.events)
			p.events = append(p.events, e.EventType())
		}
	}
	var ok [2]bool
	p.completed, ok[0] = place[events.OrderCompleted{}.EventType()]
	p.cancelled, ok[1] = place[events.OrderCancelled{}.EventType()]
	if !ok[0] || !ok[1] {
		return nil, fmt.Errorf("nobody hears how an order ends")
	}
	p.follows = Follows(p.rows)
	apart, needs := make([]set, len(p.events)), make([]set, len(p.events))
	p.locals = make([]*local, len(parts))
	for _, i := range upstream {
		part := parts[i]
		l := &local{part: part, place: place, apart: apart, needs: needs}
		for _, e := range Emitted(part.rows) {
			if bit, heard := place[e.EventType()]; heard {
				l.owns = l.owns.with(bit)
			}
		}
		if err := l.close(); err != nil {
			return nil, err
		}
		l.keepApart()
		l.findNeeds()
		p.locals[i] = l
	}
	p.complete()
	return p, nil
}

func heard(rows []flow.Row) []flow.Event {
	var events []flow.Event
	for _, r := range rows {
		if r.Kind == flow.KindEvent {
			events = append(events, r.Event)
		}
	}
	return events
}

// keepApart records which of the participant's events never come together, for the
// participants that are enumerated after it.
func (l *local) keepApart() {
	together := map[int]set{}
	for _, s := range l.situations {
		for _, e := range s.emitted.each() {
			together[e] |= s.emitted
		}
	}
	for _, e := range l.owns.each() {
		l.apart[e] = l.owns &^ together[e].with(e)
	}
}

// findNeeds records the events that always came before each of the participant's
// events.
func (l *local) findNeeds() {
	before := map[int]set{}
	for _, m := range l.moves {
		st := l.steps[[2]int{l.situations[m.from].state, m.input}]
		for _, e := range st.events.each() {
			s := l.situations[m.to].had&(l.hears) | l.situations[m.from].emitted
			if so, seen := before[e]; seen {
				s &= so
			}
			before[e] = s
		}
	}
	for _, e := range l.owns.each() {
		l.needs[e] = before[e]
		for _, cause := range before[e].each() {
			l.needs[e] |= l.needs[cause]
		}
	}
}

// complete joins the rests of the participants.
func (p *Protocol) complete() {
	type rest struct{ heard, emitted set }
	all := set(1)<<len(p.events) - 1
	rests := make([]map[rest][]int, len(p.locals))
	said := []set{0} // the events that the participants so far may have emitted
	for i, l := range p.locals {
		rests[i] = map[rest][]int{}
		var own []set
		for at, s := range l.situations {
			if s.calls == 0 && s.timers == 0 {
				key := rest{s.had & all, s.emitted}
				rests[i][key] = append(rests[i][key], at)
				if !slices.Contains(own, s.emitted) {
					own = append(own, s.emitted)
				}
			}
		}
		var more []set
		for _, before := range said {
			for _, emitted := range own {
				more = append(more, before|emitted)
			}
		}
		said = more
	}
	for _, events := range said {
		log := completeLog{events: events}
		for i, l := range p.locals {
			if at := rests[i][rest{events & l.hears, events & l.owns}]; len(at) > 0 {
				log.rests = append(log.rests, at)
			}
		}
		if len(log.rests) == len(p.locals) && events != 0 {
			p.logs = append(p.logs, log)
		}
	}
	slices.SortFunc(p.logs, func(a, b completeLog) int { return int(a.events) - int(b.events) })
}

func (p *Protocol) names(s set) string { return strings.Join(p.list(s), ", ") }

func (p *Protocol) list(s set) []string {
	names := make([]string, 0, len(p.events))
	for _, e := range s.each() {
		names = append(names, short(p.events[e]))
	}
	return names
}

// reach are the events that may come after one, by the tables.
func (p *Protocol) reach(e int) set {
	var s set
	for reached := range Reach(p.follows, p.events[e]) {
		if at := slices.Index(p.events, reached); at >= 0 {
			s = s.with(at)
		}
	}
	return s
}

func (p *Protocol) owner(e int) string {
	for _, l := range p.locals {
		if l.owns.has(e) {
			return l.service
		}
	}
	return "nobody"
}

// Size reports the numbers of situations, states, reactions and logs that were
// enumerated.
func (p *Protocol) Size() string {
	var said []string
	for _, l := range p.locals {
		said = append(said, fmt.Sprintf("%s %d situations of %d states, %d reactions run", l.service, len(l.situations), len(l.states), len(l.steps)))
	}
	return fmt.Sprintf("%s; %d complete logs", strings.Join(said, "; "), len(p.logs))
}

// Logs are the complete logs, each as its events.
func (p *Protocol) Logs() [][]string {
	var logs [][]string
	for _, l := range p.logs {
		logs = append(logs, p.list(l.events))
	}
	return logs
}
