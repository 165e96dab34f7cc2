package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/e2e/history"
)

// checkHistories: what the five owners told of an order is a history that the
// explorer has seen an order end with, played by the same tables and reactions.
// That each event's cause is one that some table declares, which checkCauses
// says, does not make a history of them: a reaction emits what it declares in
// some states only, and with the reason that it was given.
//
// Orders with the same wrong history are one violation, which shows the flow of
// the first. Left out are orders of which a record cannot be read: checkRecords
// has said why, and what the record tells is not known.
func (s *Seen) checkHistories(v *violations) {
	known, err := history.All()
	if err != nil {
		v.add("no order's history can be checked: %v", err)
		return
	}
	told := s.told()
	alike := map[string][]string{}
	var unexplained []string // the first order of each wrong events
	for _, order := range s.orders() {
		events, readable := told[order]
		if !readable || known.Explain(events) == nil {
			continue
		}
		key := fmt.Sprint(events)
		if alike[key] = append(alike[key], order); len(alike[key]) == 1 {
			unexplained = append(unexplained, order)
		}
	}
	for _, order := range unexplained {
		others := ""
		if same := alike[fmt.Sprint(told[order])]; len(same) > 1 {
			others = fmt.Sprintf(" (%d more orders went the same way, the next is %s)", len(same)-1, same[1])
		}
		v.add("order %s: %v%s\n%s", order, known.Explain(told[order]), others, s.flow(order))
	}
}

// told is the history of each order: the events of each owner in the sequence
// that the owner gave them, copies left out. An order is missing when one of
// its records cannot be read.
//
// A foreign producer numbers nothing and names no cause. Its OrderPlaced is what
// an order begins with, wherever it is in the log; one more of it, under another
// id, is left out like a copy: nobody lets it change anything, which the
// explorer's Twice is about.
func (s *Seen) told() map[string][]history.Event {
	types := map[string]string{}
	for _, f := range s.Facts {
		if f.Dead == nil {
			types[f.ID] = f.Type
		}
	}
	events, unreadable := s.events()
	told := map[string][]history.Event{}
	for order, facts := range events {
		if unreadable[order] {
			continue
		}
		for _, f := range facts {
			cause, known := types[f.Causation]
			if !known {
				cause = f.Causation // of nothing that any path has; checkCauses says more
			}
			told[order] = append(told[order], history.Event{
				Owner: f.Owner(), Type: f.Type, Reason: history.Reason(f.text("reason"), f.text("kind"), f.text("cause")), Cause: cause,
			})
		}
	}
	return told
}

// events are the events of each order, each once, by owner and sequence; and the
// orders of which one cannot be read.
func (s *Seen) events() (events map[string][]Fact, unreadable map[string]bool) {
	events, unreadable = map[string][]Fact{}, map[string]bool{}
	seen := map[string]bool{}
	for _, f := range s.Facts {
		if f.Dead == nil && !seen[f.ID] {
			seen[f.ID] = true
			events[f.Key] = append(events[f.Key], f)
			unreadable[f.Key] = unreadable[f.Key] || f.Unreadable != ""
		}
	}
	for order, facts := range events {
		slices.SortStableFunc(facts, func(a, b Fact) int {
			return cmp.Or(slices.Index(serviceNames, a.Owner())-slices.Index(serviceNames, b.Owner()), cmp.Compare(a.Sequence, b.Sequence))
		})
		events[order] = withoutSecond(facts)
	}
	return events, unreadable
}

// withoutSecond leaves out what foreign producers published of an OrderPlaced
// that is there.
func withoutSecond(facts []Fact) []Fact {
	placed := slices.ContainsFunc(facts, func(f Fact) bool { return f.Name() == "OrderPlaced" && f.Sequence > 0 })
	return slices.DeleteFunc(facts, func(f Fact) bool {
		if f.Name() != "OrderPlaced" || f.Sequence > 0 {
			return false
		}
		second := placed
		placed = true
		return second
	})
}

// flow is an order's printed flow, indented as a part of a list.
func (s *Seen) flow(order string) string {
	var b strings.Builder
	_ = Print(&b, slices.DeleteFunc(slices.Clone(s.Facts), func(f Fact) bool { return f.Key != order })) // a builder takes everything
	var indented strings.Builder
	for line := range strings.Lines(b.String()) {
		indented.WriteString(strings.TrimRight("      "+line, " \n") + "\n")
	}
	return strings.TrimRight(indented.String(), "\n")
}
