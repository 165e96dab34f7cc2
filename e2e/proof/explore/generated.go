package explore

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// tried has a line for each alteration: its name, the scope in which it is caught
// and the property that catches it. Of one that changes nothing anywhere the scope is
// [changesNothing]. Of one that no property notices, in any small scope, it is [unnoticed]
// and the first scope in which it changes something, and the reason why stands in the
// property's place.
//
//go:embed generated.txt
var tried string

const (
	changesNothing = "-"
	unnoticed      = "="
	heading        = "# Written by make mutants: alteration, scope, property. Of unnoticed ones (=) the reason is written by hand.\n"
)

// alterations are the faults that are caught, and those of which nothing can be seen.
var alterations = sync.OnceValues(func() (both [2][]Mutant, err error) {
	for line := range strings.Lines(strings.TrimPrefix(tried, heading)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			return both, fmt.Errorf("read alterations: %q has %d fields, not 3", line, len(f))
		}
		a, err := parseAlteration(f[0])
		if err != nil {
			return both, err
		}
		if f[1] == changesNothing {
			continue
		}
		name, which := f[1], 0
		if rest, is := strings.CutPrefix(name, unnoticed); is {
			name, which = rest, 1
		}
		scope, err := Find(name)
		if err != nil {
			return both, err
		}
		property, why := f[2], ""
		if which == 1 {
			property, why = "", f[2]
		}
		both[which] = append(both[which], a.mutant(scope, property, why))
	}
	return both, nil
})

// madeMutants are the alterations that are caught.
func madeMutants() []Mutant { return made(0) }

// madeEquivalents are those of which nothing can be seen.
func madeEquivalents() []Mutant { return made(1) }

func made(which int) []Mutant {
	both, err := alterations()
	if err != nil {
		panic(err) // the file is a part of the program
	}
	return both[which]
}

// Try tries all alterations and returns the text that is kept of them. Reasons that were
// written by hand stay.
func Try(ctx context.Context, say func(string, ...any)) (string, error) {
	why := map[string]string{}
	for line := range strings.Lines(tried) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 3 && strings.HasPrefix(f[1], unnoticed) {
			why[f[0]] = f[2]
		}
	}
	var b strings.Builder
	b.WriteString(heading)
	for _, a := range Alterations() {
		f, err := a.try(ctx)
		if err != nil {
			return "", err
		}
		switch {
		case f.scope != "":
			fmt.Fprintf(&b, "%s\t%s\t%s\n", a, f.scope, f.property)
		case !f.changes:
			fmt.Fprintf(&b, "%s\t%s\t\n", a, changesNothing)
		default:
			fmt.Fprintf(&b, "%s\t%s%s\t%s\n", a, unnoticed, f.first, why[a.String()])
			say("%s is noticed by no property; %s", a, why[a.String()])
		}
	}
	return b.String(), nil
}
