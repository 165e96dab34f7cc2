package explore

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Print writes what was found: how much was visited, which ends there are, and
// how each property fared.
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
	if r.Longest > 0 {
		since := ""
		if r.Scope.May.has(Unanswered) {
			since = " from the last attempt that is not answered"
		}
		fmt.Fprintf(w, "  every schedule ends after at most %s%s\n", counted(r.Longest, "step"), since)
	}
	if r.Violation == nil {
		fmt.Fprintf(w, "  all %d properties hold\n", len(r.Verdicts))
		return
	}
	open := 0
	for _, v := range r.Verdicts {
		switch {
		case v.Violation != nil:
			fmt.Fprintf(w, "  VIOLATED  %s\n", v.Violation)
		case v.Known:
			fmt.Fprintf(w, "  holds     %s\n", v.Property)
		default:
			open++
		}
	}
	if open > 0 {
		fmt.Fprintf(w, "  undecided %s: the search stopped here\n", counted(open, "other"))
	}
}

// shown are the kinds of ends as they are printed: of two orders only how each
// ended, since all that goes with it is in the scopes of one.
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

// counted is so many of what a word names.
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
