package explore

import (
	"slices"
	"strings"
	"testing"
)

// visited is about how many states a mutant's scope has, where they are many.
func visited(s Scope) int {
	if s == wide {
		return 500_000
	}
	return 0
}

// deep are mutants that are explored until a chain of causes is cut.
var deep = map[string]int{"charged-and-voided-in-turn": 250_000}

// catches explores each mutant once for all tests, and keeps what was found.
var catches = map[string]*Result{}

func catch(t *testing.T) func(Mutant) (*Result, error) {
	return func(m Mutant) (*Result, error) {
		if catches[m.Name] == nil {
			r, err := m.Catch(t.Context())
			if err != nil {
				return nil, err
			}
			r.graph = nil // hundreds of megabytes
			catches[m.Name] = r
		}
		return catches[m.Name], nil
	}
}

func TestEveryMutantIsCaughtByItsProperty(t *testing.T) {
	for _, m := range Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			affordable(t, max(visited(m.Scope), deep[m.Name]))
			r, err := catch(t)(m)
			if err != nil {
				t.Fatal(err)
			}
			v := r.Violation
			if v == nil {
				t.Fatalf("%d states, and nothing wrong in them; %q should not hold", r.States, m.Property)
			}
			if v.Property != m.Property {
				t.Errorf("caught by %q and not by %q: %s, by %s", v.Property, m.Property, v.What, v.Schedule)
			}
			showsWhenReplayed(t, m, v)
		})
	}
}

// showsWhenReplayed plays the counterexample from its text.
func showsWhenReplayed(t *testing.T, m Mutant, v *Violation) {
	t.Helper()
	s, err := ParseSchedule(v.Schedule.String())
	if err != nil {
		t.Fatal(err)
	}
	story, err := Replay(m.System(), m.Scope, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(story.Scenes) != len(v.Schedule.Steps) {
		t.Errorf("a schedule of %d steps makes a story of %d scenes", len(v.Schedule.Steps), len(story.Scenes))
	}
	if v.Property == NoTrap {
		return // one state does not show that it is a trap
	}
	if !slices.Contains(story.Wrong, v.Property+": "+v.What) {
		t.Errorf("replayed, it shows %q, and not %s: %s", story.Wrong, v.Property, v.What)
	}
}

func TestProductionSystemPassesMutantScopes(t *testing.T) {
	for _, s := range Small() {
		t.Run(s.Name, func(t *testing.T) {
			affordable(t, visited(s))
			r, err := Explore(t.Context(), Production(), s)
			if err != nil {
				t.Fatal(err)
			}
			if r.Violation != nil {
				t.Errorf("%v: %s", r.Violation, r.Violation.Schedule)
			}
			t.Logf("%d states in %s", r.States, r.Took)
		})
	}
}

func TestChangesThatMakeNoDifferenceViolateNothing(t *testing.T) {
	for _, m := range Equivalents() {
		t.Run(m.Name, func(t *testing.T) {
			affordable(t, visited(m.Scope))
			r, err := catch(t)(m)
			if err != nil {
				t.Fatal(err)
			}
			if r.Violation != nil {
				t.Errorf("%v: %s", r.Violation, r.Violation.Schedule)
			}
		})
	}
}

// A property that catches nothing may be one that cannot fail. Where another
// one is always violated sooner, it must at least fail in the whole of a scope.
func TestEveryPropertyCatchesAMutant(t *testing.T) {
	caught := map[string]bool{}
	for _, m := range Mutants() {
		caught[m.Property] = true
	}
	lossy, err := FindMutant("publish-once")
	if err != nil {
		t.Fatal(err)
	}
	lossy.Scope.Whole = true
	r, err := lossy.Catch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Verdicts {
		caught[v.Property] = caught[v.Property] || v.Violation != nil
		if !caught[v.Property] {
			t.Errorf("no mutant violates %q", v.Property)
		}
		delete(caught, v.Property)
	}
	for name := range caught {
		t.Errorf("mutants are caught by %q, which is no property", name)
	}
}

// The world of these is as it should be, and all that is wrong is what an event
// or a call carries: no other property notices, but that which compares what is
// told with what is shown.
func TestWrongContentsAreCaughtByNothingElse(t *testing.T) {
	contents := []string{oneName, moneyToldRight, parcelsToldRight, askedAsOrdered, reasonsTrue, shownAsTold}
	for _, m := range slices.Concat(toldMutants(), trackingMutants(), askedMutants(), whyMutants(), namelessMutants()) {
		m.Scope.Whole = true
		r := explored(t, m.System(), m.Scope)
		for _, v := range r.Verdicts {
			if v.Violation != nil && !slices.Contains(contents, v.Property) {
				t.Errorf("%s is caught by %q, too", m.Name, v.Property)
			}
		}
	}
}

func TestMutantsHaveNamesAndScopesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range append(Mutants(), Equivalents()...) {
		if seen[m.Name] {
			t.Errorf("two mutants are called %s", m.Name)
		}
		seen[m.Name] = true
		if !slices.ContainsFunc(Small(), func(s Scope) bool { return s == m.Scope }) {
			t.Errorf("the scope %s of %s is not listed", m.Scope.Name, m.Name)
		}
		if found, err := FindMutant(m.Name); err != nil || found.Tells != m.Tells {
			t.Errorf("find %s: %q, %v", m.Name, found.Tells, err)
		}
	}
	if _, err := FindMutant("no such fault"); err == nil || !strings.Contains(err.Error(), "oversell") {
		t.Errorf("an error that does not list what there is: %v", err)
	}
}
