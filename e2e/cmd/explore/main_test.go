package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/quintet-eda/quintet/e2e/explore"
)

// parsed are the arguments of a command line in an environment.
func parsed(t *testing.T, line ...string) arguments {
	t.Helper()
	var args arguments
	parser, err := kong.New(&args)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(line); err != nil {
		t.Fatal(err)
	}
	return args
}

// Every line of docs/mutants.md that plays a counterexample plays it: what make
// hands on in the environment shows the property that the table names.
func TestTheLinesInTheTableOfMutantsPlayTheirCounterexamples(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "mutants.md"))
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for line := range strings.Lines(string(page)) {
		rest, is := strings.CutPrefix(strings.TrimSpace(line), "make explore ")
		if !is {
			continue
		}
		mutant, schedule, ok := strings.Cut(strings.TrimPrefix(rest, "MUTANT="), " REPLAY='")
		if !ok || !strings.HasSuffix(schedule, "'") {
			t.Fatalf("line %q is of another form", line)
		}
		played++
		t.Setenv("MUTANT", mutant)
		t.Setenv("REPLAY", strings.TrimSuffix(schedule, "'"))
		var told strings.Builder
		if err := run(t.Context(), parsed(t), &told); !errors.Is(err, errViolated) {
			t.Errorf("%s: %v", line, err)
		}
		m, err := explore.FindMutant(mutant)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(told.String(), "! "+m.Property+": ") {
			t.Errorf("%s shows no violation of %q:\n%s", line, m.Property, told.String())
		}
	}
	if played < 3 {
		t.Errorf("%d lines play a counterexample", played)
	}
}

// What is printed when a mutant is explored can be played again as it stands.
func TestAnExploredMutantSaysHowToPlayItsCounterexample(t *testing.T) {
	t.Setenv("MUTANT", "oversell")
	var told strings.Builder
	if err := run(t.Context(), parsed(t), &told); err == nil {
		t.Error("a mutant is explored, and nothing is wrong")
	}
	_, line, ok := strings.Cut(told.String(), "make explore MUTANT=oversell REPLAY='")
	if !ok {
		t.Fatalf("there is no line to play it again:\n%s", told.String())
	}
	schedule, _, _ := strings.Cut(line, "'")
	t.Setenv("REPLAY", schedule)
	told.Reset()
	if err := run(t.Context(), parsed(t), &told); !errors.Is(err, errViolated) || !strings.Contains(told.String(), "     ! stock is never negative") {
		t.Errorf("%v:\n%s", err, told.String())
	}
}

func TestScopesThatAreNotExploredAreNamed(t *testing.T) {
	var told strings.Builder
	if err := run(t.Context(), parsed(t, "--scope", "smooth"), &told); err != nil {
		t.Fatal(err)
	}
	if want := "Left out: one-order, one-order-published-twice, one-order-published-twice-with-mails, foreign-order, foreign-order-published-twice, two-orders, two-orders-and-crashes."; !strings.Contains(told.String(), want) {
		t.Errorf("%q is missing:\n%s", want, told.String())
	}
}

func TestScopesOfEveryListAreFoundByTheirNames(t *testing.T) {
	for _, name := range []string{"one-order", "quick-mails", "sold-out"} {
		if _, scopes, err := chosen(parsed(t, "--scope", name)); err != nil || len(scopes) != 1 || scopes[0].Name != name {
			t.Errorf("%s: %v, %v", name, scopes, err)
		}
	}
	if _, _, err := chosen(parsed(t, "--scope", "no such scope")); err == nil || !strings.Contains(err.Error(), "two-orders") {
		t.Errorf("an error that does not list what there is: %v", err)
	}
}
