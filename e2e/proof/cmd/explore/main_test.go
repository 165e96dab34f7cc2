package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/quintet-eda/quintet/e2e/proof/explore"
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
func TestMutantTableReplaysItsCounterexamples(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "mutants.md"))
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
		if err := run(t.Context(), parsed(t), &told); err != nil {
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

// Whoever walks by hand begins with these.
func TestTheSchedulesOfTheManualCanBePlayed(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "correctness.md"))
	if err != nil {
		t.Fatal(err)
	}
	var played []string
	for line := range strings.Lines(string(page)) {
		if rest, is := strings.CutPrefix(line, "make explore REPLAY='"); is {
			schedule, _, _ := strings.Cut(rest, "'")
			played = append(played, schedule)
		}
	}
	for line := range strings.Lines(explore.Grammar) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "smooth:") || strings.HasPrefix(line, "unanswered:") {
			played = append(played, line)
		}
	}
	if len(played) != 5 {
		t.Errorf("these are played: %q", played)
	}
	for _, schedule := range played {
		var told strings.Builder
		if err := run(t.Context(), parsed(t, "--replay", schedule), &told); err != nil || !strings.Contains(told.String(), "Possible next: ") {
			t.Errorf("%s: %v\n%s", schedule, err, told.String())
		}
	}
}

func TestHelpNamesWhatThereIsToBeAskedFor(t *testing.T) {
	help := arguments{}.Help()
	for _, want := range []string{"exit code", "two-orders-and-crashes", "quick-mails", "last-piece", "oversell", "no-lanes-for-mail", "Charge~arrives:captured"} {
		if !strings.Contains(help, want) {
			t.Errorf("it does not say %q:\n%s", want, help)
		}
	}
}

// What is printed when a mutant is explored can be played again as it stands.
func TestMutantRunPrintsReplayableCounterexample(t *testing.T) {
	t.Setenv("MUTANT", "oversell")
	var told strings.Builder
	if err := run(t.Context(), parsed(t), &told); err != nil {
		t.Errorf("a mutant is caught as it should be, and that is a failure: %v", err)
	}
	if want := "\nCaught by \"stock is never negative, and adds up\" after 90 states, as docs/mutants.md says.\n"; !strings.HasSuffix(told.String(), want) {
		t.Errorf("it does not end %q:\n%s", want, told.String())
	}
	_, line, ok := strings.Cut(told.String(), "make explore MUTANT=oversell REPLAY='")
	if !ok {
		t.Fatalf("there is no line to play it again:\n%s", told.String())
	}
	schedule, _, _ := strings.Cut(line, "'")
	t.Setenv("REPLAY", schedule)
	told.Reset()
	if err := run(t.Context(), parsed(t), &told); err != nil || !strings.Contains(told.String(), "     ! stock is never negative") {
		t.Errorf("%v:\n%s", err, told.String())
	}
}

// Of the production system a violation is a failure, and of a mutant whatever
// its row in the table does not say.
func TestAFailureIsWhatShouldNotBe(t *testing.T) {
	for _, c := range []struct {
		mutant string
		line   []string
		says   string
		fails  bool
	}{
		{"oversell", nil, "Caught by", false},
		{"oversell", []string{"--scope", "smooth"}, "Note that its scope is last-piece.", true},
		{"oversell", []string{"--scope", "smooth"}, "No property notices in smooth", true},
		{"undo-the-pivot", []string{"--scope", "smooth"}, "No property notices in smooth", true},
		{"release-twice", []string{"--scope", "declined", "--scope", "refused"}, "Caught by", true},
		{"no-lanes-for-mail", nil, "No property notices, as docs/mutants.md says.", false},
		{"oversell", []string{"--replay", "last-piece:1.place"}, "No property is violated so far.", false},
		{"release-twice", []string{"--replay", "last-piece:1.place;2.cancel"}, "", true},
		{"", []string{"--scope", "smooth"}, "all 38 properties hold", false},
	} {
		t.Setenv("MUTANT", c.mutant)
		var told strings.Builder
		if err := run(t.Context(), parsed(t, c.line...), &told); (err != nil) != c.fails || !strings.Contains(told.String(), c.says) {
			t.Errorf("%s %q ends with %v, and says\n%s", c.mutant, c.line, err, told.String())
		}
	}
}

func TestScopesThatAreNotExploredAreNamed(t *testing.T) {
	var told strings.Builder
	if err := run(t.Context(), parsed(t, "--scope", "smooth"), &told); err != nil {
		t.Fatal(err)
	}
	if want := "Left out: one-order, one-order-published-twice, one-order-published-twice-with-mails, foreign-order, foreign-order-published-twice, odd-order, odd-order-half-in-stock, odd-foreign-order, two-orders, two-orders-two-pieces, two-orders-and-crashes."; !strings.Contains(told.String(), want) {
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
