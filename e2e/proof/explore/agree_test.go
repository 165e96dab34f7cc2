package explore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/payment"
)

// The composition is an argument; here it is checked. In scopes that are small
// enough both ways are gone: all worlds of two orders, and one order put
// together twice. They must agree on how many states there are, on every end,
// on every property, with the length of the shortest way to its violation, and
// on how long a schedule can go on when nothing goes wrong any more.
func TestCompositionMatchesFullTwoOrderSearch(t *testing.T) {
	for _, c := range []struct {
		name     string
		stock    int64
		may      Choice
		mutant   string
		violated []string // of the properties, some
	}{
		{"nothing goes wrong", 1, 0, "", nil},
		{"nothing goes wrong", 1, 0, "oversell", []string{"stock is never negative, and adds up"}},
		{"nothing goes wrong", 1, 0, "rejection-unheard", []string{"at rest: every order has ended"}},
		{"declined or refused", 1, Declines | Refuses, "", nil},
		{"declined or refused", 1, Declines | Refuses, "oversell", []string{"stock is never negative, and adds up"}},
		{"refused", 1, Refuses, "refund-another-payment", []string{NoTrap, AllEnd}},
		{"refused", 1, Refuses, "carrier-puts-off", []string{AllEnd}},
		{"nothing goes wrong", 1, 0, "provider-puts-off", []string{AllEnd}},
		{"refused", 1, Refuses, "release-twice", []string{"no fact is told twice"}},
		{"declined", 1, Declines, "release-from-nowhere", []string{"stock is never negative, and adds up"}},
		{"given up or refused", 1, GivesUp | Refuses, "", nil},
		{"cancelled", 1, Cancels, "", nil},
		{"cancelled", 1, Cancels, "stand-down-is-silent", []string{"at rest: every order has ended", "at rest: nothing is reserved, and as much shipped as completed"}},
		{"unanswered", 1, Unanswered, "", nil},
		{"crashes", 1, Crashes | GivesUp, "", nil},
		{"mails", 1, Mails, "", nil},
		{"mails", 1, Mails, "oversell", []string{"stock is never negative, and adds up"}},
		{"late", 1, Deadlines, "", nil},
		{"mails that fail", 1, Mails | MailFails, "", nil},
		{"copies", 1, Duplicates | Declines, "", nil},
		{"two pieces", 2, Declines, "", nil},
		{"two pieces", 2, Declines, "release-everybodys", []string{"stock is never negative, and adds up"}},
		{"two pieces", 2, Declines, "reserve-the-shelf", []string{"at rest: nothing is reserved, and as much shipped as completed"}},
	} {
		t.Run(c.name+" "+c.mutant, func(t *testing.T) {
			agree(t, system(t, c.mutant), Scope{Name: c.name, Orders: 2, Stock: c.stock, May: c.may, Whole: true}, c.violated)
		})
	}
}

// unheard is a call that nobody performs.
type unheard struct{}

// Where one order stands still, two do when the other has ended.
func TestTwoOrdersStandStillWhereOneDoes(t *testing.T) {
	sys := Production()
	sys.Payment = replace(sys.Payment, free("payment", flow.OnEvent[events.ShipmentFailed](altered[events.ShipmentFailed](sys.Payment, func(payment.Refund) any {
		return unheard{}
	}))).Calls(unheard{}))
	agree(t, sys, Scope{Name: "refused", Orders: 2, Stock: 1, May: Refuses, Whole: true}, []string{NoTrap, AllEnd})
}

// system is a mutant; of no name, the production system.
func system(t *testing.T, mutant string) System {
	t.Helper()
	if mutant == "" {
		return Production()
	}
	m, err := FindMutant(mutant)
	if err != nil {
		t.Fatal(err)
	}
	return m.System()
}

func agree(t *testing.T, sys System, scope Scope, violated []string) {
	t.Helper()
	together := scope
	together.Composed = true
	composed, err := Explore(t.Context(), sys, together)
	if err != nil {
		t.Fatal(err)
	}
	affordable(t, composed.States)
	all, err := Explore(t.Context(), sys, scope)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d states in %s; composed in %s", all.States, all.Took, composed.Took)
	if all.States != composed.States || all.Ends != composed.Ends {
		t.Errorf("all worlds: %d states, %d ends; composed: %d states, %d ends", all.States, all.Ends, composed.States, composed.Ends)
	}
	if all.Longest != composed.Longest {
		t.Errorf("all worlds: at most %d steps; composed: %d", all.Longest, composed.Longest)
	}
	if diff := cmp.Diff(all.Kinds, composed.Kinds); diff != "" {
		t.Errorf("kinds of ends (-all worlds +composed):\n%s", diff)
	}
	if diff := cmp.Diff(verdicts(all), verdicts(composed)); diff != "" {
		t.Errorf("verdicts (-all worlds +composed):\n%s", diff)
	}
	found := []string{}
	for _, v := range composed.Verdicts {
		if v.Violation != nil {
			found = append(found, v.Property)
			if _, err := Replay(sys, together, v.Violation.Schedule); err != nil {
				t.Errorf("the way to a violation of %q does not lead there: %v", v.Property, err)
			}
		}
	}
	for _, property := range violated {
		if !slices.Contains(found, property) {
			t.Errorf("%q is not violated; violated are %q", property, found)
		}
	}
	if len(violated) == 0 && len(found) > 0 {
		t.Errorf("violated are %q", found)
	}
}

func verdicts(r *Result) []string {
	var vs []string
	for _, v := range r.Verdicts {
		if v.Violation == nil {
			vs = append(vs, v.Property+": holds")
		} else {
			vs = append(vs, fmt.Sprintf("%s: violated after %d steps", v.Property, len(v.Violation.Schedule.Steps)))
		}
	}
	return vs
}
