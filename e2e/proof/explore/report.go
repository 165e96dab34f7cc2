package explore

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Print writes the findings: the numbers of states and steps, the kinds of ends, and
// the verdict on each property.
func (r *Result) Print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s, %s; %s", r.Scope.Name, counted(r.States, "state"), counted(r.Ends, "end"), counted(r.Steps, "step"))
	if r.Scope.Composed {
		fmt.Fprint(w, " of one order")
	}
	fmt.Fprintf(w, "; %.1f s, %d MB\n", r.Took.Round(100*time.Millisecond).Seconds(), r.Memory>>20)
	if r.Copies > 0 {
		fmt.Fprintf(w, "  %s deliveries of records that were taken before: absorbed by the inbox\n", thousands(r.Copies))
	}
	for _, k := range r.shown() {
		fmt.Fprintf(w, "  %14s  %s\n", thousands(k.Ends), k.Name)
	}
	if r.Longest > 0 { // only if AllEnd holds
		within := "after at most " + counted(r.Longest, "step")
		if r.Scope.May.has(Unanswered) {
			within = "at most " + counted(r.Longest, "step") + " after its last unanswered attempt"
		}
		fmt.Fprintf(w, "  every schedule ends %s\n", within)
	}
	if r.Violation == nil {
		fmt.Fprintf(w, "  all %d properties hold\n", len(r.Verdicts))
		return
	}
	open := 0
	for _, v := range r.Verdicts {
		if v.Violation != nil {
			fmt.Fprintf(w, "  VIOLATED  %s\n", v.Violation)
		} else if !v.Known {
			open++
		}
	}
	for _, v := range r.Verdicts {
		if v.Known && v.Violation == nil {
			fmt.Fprintf(w, "  holds     %s\n", v.Property)
		}
	}
	why := "the search ended with this violation"
	if r.Scope.Whole || r.Scope.Composed {
		why = "what is violated is not followed further"
	}
	if open > 0 {
		fmt.Fprintf(w, "  %s undecided: %s\n", counted(open, "other"), why)
	}
}

// shown are the kinds of ends as they are printed. For two orders they show only how
// each ended, since the scopes of one order show the rest.
func (r *Result) shown() []Kind {
	if r.Scope.Orders == 1 {
		return r.Kinds
	}
	var shown []Kind
	for _, k := range r.Kinds {
		var ends []string
		for order := range strings.SplitSeq(k.Name, " + ") {
			end, _, _ := strings.Cut(order, ",")
			ends = append(ends, end)
		}
		name := strings.Join(ends, " + ")
		if i := slices.IndexFunc(shown, func(k Kind) bool { return k.Name == name }); i >= 0 {
			shown[i].Ends += k.Ends
		} else {
			shown = append(shown, Kind{name, k.Ends})
		}
	}
	slices.SortFunc(shown, byEnds)
	return shown
}

// counted is a number and its noun.
func counted(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return thousands(n) + " " + word
}

// thousands is a number as people read it.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
