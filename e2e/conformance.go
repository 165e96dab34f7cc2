package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/e2e/history"
)

// checkHistories: the events of an order, by owner, are a history with which an order
// ended in the explorer. The explorer plays the same tables and reactions. checkCauses
// is weaker: it checks that some table declares each event's cause. A reaction emits
// its declared events in some states only, and with the reason of its input.
//
// Orders with the same wrong history are one violation, which shows the flow of the
// first. Orders with an unreadable record are left out: checkRecords reports the
// record, and its content is unknown.
func (s *Seen) checkHistories(v *violations) {
	known, err := history.All()
	if err != nil {
		v.add("no order's history can be checked: %v", err)
		return
	}
	told := s.told()
	alike := map[string][]string{}
	var unexplained []string // the first order of each wrong history
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

// told is the history of each order: the events of each owner in the sequence that the
// owner gave them, without copies. An order with an unreadable record is missing.
//
// A foreign producer sets no sequence and no causation id. Its OrderPlaced is the first
// event of an order, at any place in the log. A second one, under another id, is left
// out like a copy: no participant changes its state for it. The explorer's Twice covers
// that.
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
				cause = f.Causation // no path has such a cause; checkCauses reports it
			}
			told[order] = append(told[order], history.Event{
				Owner: f.Owner(), Type: f.Type, Reason: history.Reason(f.text("reason"), f.text("kind"), f.text("cause")), Cause: cause,
			})
		}
	}
	return told
}

// events are the events of each order, each once, by owner and sequence. unreadable has
// the orders with an unreadable record.
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

// withoutSecond removes the OrderPlaced of foreign producers from an order that has
// one already.
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
