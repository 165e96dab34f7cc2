package explore

import (
	"fmt"
	"slices"
	"strings"
)

// deepest is how many events and calls may follow from each other before that
// counts as a loop. The longest way from a request to its last mail has 14.
const deepest = 20

// tooLong tells of a chain of causes that is cut, by the id of its last input.
// Who goes in circles is who makes what the chain has most of: that need not be
// the service that the chain is cut at, which may only have heard of it.
func (m *model) tooLong(id string) string {
	chain := strings.Split(id, ">")[1:] // the request is no link of it
	times, most := map[string]int{}, ""
	for i, link := range chain {
		chain[i], _, _ = strings.Cut(link, "#")
		if times[chain[i]]++; times[chain[i]] >= times[most] {
			most = chain[i]
		}
	}
	last := strings.Join(chain[max(0, len(chain)-4):], " > ")
	return fmt.Sprintf("%s %d times in one chain of causes (... > %s); that is longer than any that the choreography has, and cut here", m.making(most), times[most], last)
}

// making is who makes an event, a call or a timer, and how that is said.
func (m *model) making(name string) string {
	for _, r := range m.sys.Rows() {
		switch {
		case slices.Contains(r.Calls, name):
			return r.Service + " asks for " + name
		case slices.Contains(r.Timers, name):
			return r.Service + " starts its " + name
		}
		for _, e := range r.Emits {
			if short(e.EventType()) == name {
				return r.Service + " publishes " + name
			}
		}
	}
	return "somebody makes " + name
}
