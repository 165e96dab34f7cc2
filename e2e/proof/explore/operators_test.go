package explore

import (
	"slices"
	"strings"
	"testing"
)

// A reaction, an output, a field or a status that is new has to be tried, too.
func TestEveryAlterationWasTried(t *testing.T) {
	var names []string
	for line := range strings.Lines(strings.TrimPrefix(tried, heading)) {
		name, _, _ := strings.Cut(line, "\t")
		names = append(names, name)
	}
	var all []string
	for _, a := range Alterations() {
		all = append(all, a.String())
	}
	for _, name := range all {
		if !slices.Contains(names, name) {
			t.Errorf("%s was not tried: make mutants", name)
		}
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			t.Errorf("%s is in the file, and no operator makes it: make mutants", name)
		}
	}
}

func TestEveryUnnoticedAlterationHasAReason(t *testing.T) {
	for _, m := range madeEquivalents() {
		if m.Why == "" {
			t.Errorf("%s is noticed by no property, and nobody says why", m.Name)
		}
	}
}
