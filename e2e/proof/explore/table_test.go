//go:build !race

package explore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table has mutants of big scopes, which the race detector makes seven times as slow.
//
// The numbers of states are the same in every run, so that the page can be
// compared with what is found now.
func TestTheTableOfMutantsIsUpToDate(t *testing.T) {
	table, err := table(catch(t))
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "mutants.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), table); diff != "" {
		t.Errorf("docs/mutants.md is not up to date: make generate (-there +now)\n%s", diff)
	}
	t.Log(table[:strings.Index(table, "\n## The scopes")])
}
