package explore

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func printed(r *Result) string {
	var b strings.Builder
	r.Print(&b)
	return b.String()
}

// A search that a violation ended, and one that is cut where a service does what
// must never happen, know nothing of how long a schedule can be.
func TestLongestScheduleIsShownOnlyWhenKnown(t *testing.T) {
	for _, c := range []struct {
		mutant string
		scope  Scope
	}{
		{"publish-once", smooth}, {"oversell", lastPiece}, {"haggle", declined},
		{"haggle", whole(declined)}, {"oversell", whole(lastPiece)}, {"cancel-after-pivot", whole(cancelling)},
		{"oversell", Scope{Name: "pair", Orders: 2, Stock: 1, Composed: true}},
		{"haggle", Scope{Name: "pair", Orders: 2, Stock: 1, May: Declines, Composed: true}},
	} {
		r := explored(t, system(t, c.mutant), c.scope)
		if r.Violation == nil || r.Longest > 0 || strings.Contains(printed(r), "  every schedule ends a") {
			t.Errorf("%s in %s is told to end:\n%s", c.mutant, c.scope.Name, printed(r))
		}
		for _, v := range r.Verdicts {
			if (v.Property == NoTrap || v.Property == AllEnd) && v.Known {
				t.Errorf("%s in %s: %q is decided: %v", c.mutant, c.scope.Name, v.Property, v.Violation)
			}
		}
	}
	if r := explored(t, Production(), declined); r.Longest == 0 || !strings.Contains(printed(r), "  every schedule ends a") {
		t.Errorf("of the production system it is not told:\n%s", printed(r))
	}
	r := explored(t, system(t, "refund-another-payment"), whole(refused))
	if trap := r.Verdicts[slices.IndexFunc(r.Verdicts, func(v Verdict) bool { return v.Property == NoTrap })]; trap.Violation == nil {
		t.Error("a refund that is refused for ever is no trap")
	}
}

func whole(s Scope) Scope {
	s.Whole = true
	return s
}

// What is not followed further might go on, so nothing is told of whether it
// would end. Before it is cut, what comes next is told as ever.
func TestPrunedStatesAreNotTraps(t *testing.T) {
	story, err := Replay(system(t, "oversell"), lastPiece, Schedule{lastPiece.Name, []string{"1.place"}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	story.Print(&b)
	if len(story.Wrong) > 0 || !strings.Contains(b.String(), "Possible next: 1.inventory<OrderPlaced; ") {
		t.Errorf("one step in, it prints\n%s", b.String())
	}
	for _, m := range Mutants() {
		if !slices.Contains([]string{endsStand, declaredCauses, nothingParks, cancellationsHeeded, rejectionsTrue, noCircles, stockAddsUp, placedAsAsked, customerAnswered, answersTold}, m.Property) {
			continue
		}
		r, err := catch(t)(m)
		if err != nil {
			t.Fatal(err)
		}
		story, err := Replay(m.System(), m.Scope, r.Violation.Schedule)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		story.Print(&b)
		ending := func(wrong string) bool {
			return strings.HasPrefix(wrong, NoTrap+": ") || strings.HasPrefix(wrong, AllEnd+": ")
		}
		if len(story.Wrong) == 0 || slices.ContainsFunc(story.Wrong, ending) || !strings.Contains(b.String(), "(Not followed further: ") {
			t.Errorf("%s: wrong are %q; the story ends\n%s", m.Name, story.Wrong, b.String()[max(0, b.Len()-300):])
		}
	}
}

// Also when nothing else is left to do, nobody can tell what would have come of
// what was cut.
func TestPrunedStatesAreNotDeadlocks(t *testing.T) {
	sys := system(t, "haggle")
	s := explored(t, sys, declined).Violation.Schedule
	for {
		story, err := Replay(sys, declined, s)
		if err != nil {
			t.Fatal(err)
		}
		if story.Violates(AllEnd) || story.Violates(NoTrap) {
			t.Fatalf("after %d steps it is said that %q", len(s.Steps), story.Wrong)
		}
		if len(story.Possible) == 0 {
			break
		}
		s.Steps = append(s.Steps, story.Possible[0])
	}
}

// The service that a chain of causes is cut at may only have heard of it.
func TestWhoGoesInCirclesIsToldByName(t *testing.T) {
	for mutant, want := range map[string]string{
		"charge-never-given-up": "payment asks for Charge 18 times in one chain of causes (... > Charge > Charge > Charge > PaymentProcessed)",
		"deadline-rearmed":      "order starts its Deadline 21 times in one chain of causes (... > Deadline > Deadline > Deadline > Deadline)",
		"bounced-mail-again":    "email asks for SendMail 20 times in one chain of causes (... > SendMail > SendMail > SendMail > SendMail)",
		"haggle":                "payment asks for Charge 19 times in one chain of causes (... > Charge > Charge > Charge > Charge)",
	} {
		m, err := FindMutant(mutant)
		if err != nil {
			t.Fatal(err)
		}
		r, err := catch(t)(m)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(printed(r), noCircles+": "+want+"; that is longer than any that the choreography has, and cut here") {
			t.Errorf("%s prints\n%s", mutant, printed(r))
		}
	}
}

func TestWhatIsViolatedIsPrintedFirst(t *testing.T) {
	if text := printed(explored(t, system(t, "release-twice"), whole(refused))); strings.LastIndex(text, "  VIOLATED ") > strings.Index(text, "  holds ") {
		t.Errorf("it prints\n%s", text)
	}
	if text := printed(explored(t, system(t, "oversell"), lastPiece)); !strings.Contains(text, fmt.Sprintf("%d others undecided: the search ended with this violation\n", len(Names())-1)) {
		t.Errorf("it prints\n%s", text)
	}
}
