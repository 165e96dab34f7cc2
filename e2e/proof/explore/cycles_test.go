package explore

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Which steps lie on cycles is computed here in another way than in rounds.go:
// those that lead from a world to one from which it can be reached again. They
// are attempts that stay unanswered, of each kind of call, and what becomes of
// them, which there is once for each. Crashes, cancellations, copies and what
// else may happen lie on none. So no less may be left out for every schedule to
// end, and no more needs to be.
func TestOnlyAttemptsThatStayUnansweredComeRound(t *testing.T) {
	for _, c := range []struct {
		scope Scope
		want  []string
	}{
		{Scope{Orders: 1, Stock: 1, May: Everything &^ (Unanswered | Mails | MailFails)}, nil},
		{Scope{Orders: 1, Stock: 1, May: Crashes | Cancels | Mails | MailFails}, nil},
		{crashLost, []string{"Book~sent", "Book~vanishes", "Charge~sent", "Charge~vanishes", "Refund~sent", "Refund~vanishes", "Unbook~sent", "Unbook~vanishes", "Void~sent", "Void~vanishes"}},
		{Scope{Orders: 1, Stock: 1, May: Unanswered | Refuses}, []string{"Book~sent", "Book~vanishes", "Charge~sent", "Charge~vanishes", "Refund~sent", "Refund~vanishes"}},
	} {
		t.Run(c.scope.allows(), func(t *testing.T) {
			g := explored(t, Production(), c.scope).graph
			affordable(t, g.len())
			if diff := cmp.Diff(c.want, onCycles(g)); diff != "" {
				t.Error(diff)
			}
			if left := newRounds(g, 0).left; len(left) == 0 != (c.want == nil) {
				t.Errorf("%d worlds are on a way round, or between two", len(left))
			}
			if left := newRounds(g, markUnanswered).left; len(left) > 0 {
				t.Errorf("without attempts that stay unanswered %d worlds are", len(left))
			}
		})
	}
}

// onCycles are the steps of a graph that lie on cycles, each kind once. Of two
// between the same worlds the first is named: one that arrives where nothing is
// left to do is as one that vanishes.
func onCycles(g *graph) []string {
	component := components(g)
	kinds := map[string]bool{}
	for n := range g.len() {
		for _, lead := range g.leads(uint32(n)) {
			if to := int(lead &^ marks); component[n] == component[to] {
				kind, _, _ := strings.Cut(g.stepName(n, to), ":")
				kinds[kind] = true
			}
		}
	}
	var names []string
	for kind := range kinds {
		names = append(names, kind)
	}
	slices.Sort(names)
	return names
}

// components gives worlds that can be reached from each other the same number:
// what is found forwards, and in the opposite order backwards.
func components(g *graph) []int {
	var last []int
	back := make([][]int, g.len())
	seen := make([]bool, g.len())
	var forwards func(n int)
	forwards = func(n int) {
		seen[n] = true
		for _, lead := range g.leads(uint32(n)) {
			to := int(lead &^ marks)
			if back[to] = append(back[to], n); !seen[to] {
				forwards(to)
			}
		}
		last = append(last, n)
	}
	forwards(0)
	component := make([]int, g.len())
	var backwards func(n, number int)
	backwards = func(n, number int) {
		component[n] = number
		for _, from := range back[n] {
			if component[from] == 0 {
				backwards(from, number)
			}
		}
	}
	for i, n := range slices.Backward(last) {
		if component[n] == 0 {
			backwards(n, i+1)
		}
	}
	return component
}
