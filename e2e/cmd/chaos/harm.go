package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/e2e"
)

// harm is one fault of one instance: a kill or a freeze.
type harm struct {
	what     string // killed or frozen
	instance string
	begun    time.Time
	at       time.Time // when it was done: the instance did nothing from here on
}

const (
	killed = "killed"
	frozen = "frozen"
)

func (h harm) service() string {
	service, _, _ := strings.Cut(h.instance, "-")
	return service
}

// after are the failures from a harm on until the next one began.
func after(i int, harms []harm, failures []failure) []failure {
	var of []failure
	for _, f := range failures {
		if !f.at.Before(harms[i].begun) && (i+1 == len(harms) || f.at.Before(harms[i+1].begun)) {
			of = append(of, f)
		}
	}
	return of
}

// following are how many harms of a kind there are, and the failures after them.
func following(what string, harms []harm, failures []failure) (n int, of []failure) {
	for i, h := range harms {
		if h.what == what {
			n++
			of = append(of, after(i, harms, failures)...)
		}
	}
	return n, of
}

// step is an event that a service published, with its cause.
type step struct {
	service, order string
	from, to       time.Time // when the broker took the cause, and when the event
}

// steps are the steps of all orders except those in but. A copy of an event is no other
// step.
func steps(facts []e2e.Fact, but map[string]bool) []step {
	first := map[string]e2e.Fact{}
	for _, f := range facts {
		if f.Dead != nil {
			continue
		}
		if known, again := first[f.ID]; !again || f.Appended.Before(known.Appended) {
			first[f.ID] = f
		}
	}
	var all []step
	for _, f := range first {
		if cause, known := first[f.Causation]; known && !but[f.Key] {
			all = append(all, step{f.Owner(), f.Key, cause.Appended, f.Appended})
		}
	}
	return all
}

// waits are, for each harm, the remaining waits of the orders that waited for the
// service. The cause was on its topic before the harm, and the service's own event came
// after it. An order that the outside world delays proves nothing, and is left out.
func waits(harms []harm, facts []e2e.Fact, delayed map[string]bool) [][]time.Duration {
	all := steps(facts, delayed)
	waited := make([][]time.Duration, len(harms))
	for i, h := range harms {
		next := map[string]time.Duration{} // by order
		for _, s := range all {
			if s.service != h.service() || !s.from.Before(h.at) || !s.to.After(h.at) {
				continue
			}
			wait := s.to.Sub(h.at)
			if known, again := next[s.order]; !again || wait < known {
				next[s.order] = wait
			}
		}
		for _, wait := range next {
			waited[i] = append(waited[i], wait)
		}
	}
	return waited
}

// printHarms prints the cost of each harm, and of all harms of a kind.
func printHarms(w io.Writer, begun time.Time, harms []harm, waited [][]time.Duration, failures []failure) {
	for _, what := range []string{killed, frozen} {
		var lines []string
		var all []time.Duration
		for i, h := range harms {
			if h.what == what {
				all = append(all, waited[i]...)
				lines = append(lines, fmt.Sprintf("  at %3.0f s  %-12s %3d waited, %s; %s", h.at.Sub(begun).Seconds(), h.instance,
					len(waited[i]), middle(waited[i]), count(after(i, harms, failures))))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(w, "%-13s%d orders waited for the next event of the service, %s\n%s\n", what, len(all), spread("", all), strings.Join(lines, "\n"))
		}
	}
}
