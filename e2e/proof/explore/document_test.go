package explore

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPageShowsWhatWasExplored(t *testing.T) {
	const page = "# Correctness\n\nBefore.\n\n" + Begin + "\nof another day\n" + End + "\n\nAfter.\n"
	two := Scope{Name: "pair", Orders: 2, Stock: 1, Composed: true, Whole: true}
	once, err := Document(t.Context(), page, Production(), []Scope{declined, two})
	if err != nil {
		t.Fatal(err)
	}
	a, b := explored(t, Production(), declined), explored(t, Production(), two)
	want := fmt.Sprintf("| declined | one order, 1 on hand | %d | %d | %d | 2 | %d steps |\n", a.States, a.Steps, a.Ends, a.Longest) +
		fmt.Sprintf("| pair | two orders, 1 on hand | %s | %d of one order | %d | 1 | %d steps |\n", thousands(b.States), b.Steps, b.Ends, b.Longest)
	for _, row := range []string{"| what may happen | declined | pair |\n", "| the card is declined | x | |\n", "| a process crashes | | |\n"} {
		if !strings.Contains(once, row) {
			t.Errorf("there is no row %q in\n%s", row, once)
		}
	}
	if !strings.Contains(once, want) || !strings.Contains(once, "\n- "+NoTrap+"\n") || strings.Contains(once, "of another day") {
		t.Errorf("the page is\n%s", once)
	}
	again, err := Document(t.Context(), once, Production(), []Scope{declined, two})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once, again); diff != "" {
		t.Errorf("written twice, it is another page (-once +again)\n%s", diff)
	}
}

func TestAPageIsNotWrittenOfASystemThatIsBroken(t *testing.T) {
	if _, err := Document(t.Context(), Begin+End, system(t, "keep-after-decline"), []Scope{declined}); err == nil || !strings.Contains(err.Error(), everyOrderEnds) {
		t.Errorf("error is %v", err)
	}
	if _, err := Document(t.Context(), "a page without markers", Production(), nil); err == nil {
		t.Error("a page without markers was written")
	}
}
