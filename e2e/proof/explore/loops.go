package explore

import (
	"fmt"
	"slices"
	"strings"
)

// deepest is the most events and calls that may follow from each other; more count as a
// loop. The longest chain from a request to its last mail has 14.
const deepest = 20

// tooLong describes a cut chain of causes, by the id of its last input. The service
// that loops is the one that makes the chain's most frequent link. The chain may be cut
// at another service, which only received that link.
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

// making names the service that makes an event, a call or a timer, with the verb for
// it.
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
