package main

import (
	"fmt"
	"strings"

	"github.com/quintet-eda/quintet/e2e/proof/explore"
)

// Help is what --help shows besides the flags: how a schedule is written, what
// there is to be explored, and what the exit code means.
func (arguments) Help() string {
	var scopes, quick, small, mutants, equivalents []string
	for _, s := range explore.Full() {
		scopes = append(scopes, s.Name)
	}
	for _, s := range explore.Quick() {
		quick = append(quick, s.Name)
	}
	for _, s := range explore.Small() {
		small = append(small, s.Name)
	}
	for _, m := range explore.Mutants() {
		mutants = append(mutants, m.Name)
	}
	for _, m := range explore.Equivalents() {
		equivalents = append(equivalents, m.Name)
	}
	list := func(what string, names []string) string {
		return fmt.Sprintf("%s: %s.", what, strings.Join(names, ", "))
	}
	return strings.Join([]string{
		"The exit code is 0 when all is as it should be: every property of the production system holds, or a mutant is caught by the property that docs/mutants.md names (or by none, where it says so). It is 1 when not, and when something is asked for that there is not.",
		"Walk by hand, with --replay. " + explore.Grammar,
		list("Scopes that are explored", scopes),
		list("With --quick", quick),
		list("Scopes of mutants", small),
		list("Mutants, each explained in docs/mutants.md", mutants),
		list("Mutants of which nothing can be seen", equivalents),
	}, "\n\n")
}
