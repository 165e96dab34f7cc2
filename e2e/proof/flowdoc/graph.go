package flowdoc

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Follows returns, for every event, the events that a participant may emit
// because of it: at once, or when a call that it asked for is answered, or a
// timer that it started runs out.
func Follows(rows []flow.Row) map[string][]string {
	follows := map[string][]string{}
	for _, r := range rows {
		if r.Kind == flow.KindEvent {
			follows[r.Input] = append(follows[r.Input], emitsOf(rows, r, nil)...)
		}
	}
	for e := range follows {
		slices.Sort(follows[e])
		follows[e] = slices.Compact(follows[e])
	}
	return follows
}

// emitsOf are the events of a row and of the rows that its calls and timers
// lead to. seen stops a call that leads to itself.
func emitsOf(rows []flow.Row, r flow.Row, seen []string) []string {
	if slices.Contains(seen, r.Input) {
		return nil
	}
	seen = append(seen, r.Input)
	var types []string
	for _, e := range r.Emits {
		types = append(types, e.EventType())
	}
	for _, next := range rows {
		answers := next.ResultOf != "" && slices.Contains(r.Calls, next.ResultOf)
		elapses := next.Kind == flow.KindTimer && slices.Contains(r.Timers, next.Input)
		if next.Service == r.Service && (answers || elapses) {
			types = append(types, emitsOf(rows, next, seen)...)
		}
	}
	return types
}

// Reach returns the events that may come after an event, itself included.
func Reach(follows map[string][]string, event string) map[string]bool {
	reached := map[string]bool{}
	var visit func(string)
	visit = func(e string) {
		if reached[e] {
			return
		}
		reached[e] = true
		for _, next := range follows[e] {
			visit(next)
		}
	}
	visit(event)
	return reached
}
