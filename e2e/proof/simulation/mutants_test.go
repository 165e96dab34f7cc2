package simulation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// source is where pkg/engine is, as this package's tests are run.
var source = filepath.Join("..", "..", "..", "pkg", "engine")

func TestEveryMutantFitsTheCode(t *testing.T) {
	for _, m := range Mutants() {
		text, err := os.ReadFile(filepath.Join(source, m.File))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range m.Edits {
			if n := strings.Count(string(text), e.Was); n != 1 || e.Is == e.Was {
				t.Errorf("%s: %q is %d times in %s, and must be once", m.Name, e.Was, n, m.File)
			}
		}
	}
}
