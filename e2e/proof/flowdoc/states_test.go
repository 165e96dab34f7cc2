package flowdoc

import (
	"path/filepath"
	"regexp"
	"testing"
)

// A status that is declared and in no diagram can never be, or is left out.
func TestEveryDeclaredStatusIsDrawn(t *testing.T) {
	p, err := Study(Production())
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range Services() {
		drawn, err := p.States(service)
		if err != nil {
			t.Fatal(err)
		}
		declared := constants(t, filepath.Join("..", "..", "..", "services", service), "Status")
		if len(declared) < 4 {
			t.Errorf("%s declares %q", service, declared)
		}
		for _, status := range declared {
			if !regexp.MustCompile(`--> ` + regexp.QuoteMeta(node(status)) + `(:|\n)`).MatchString(drawn) {
				t.Errorf("%s: no change leads to %q in\n%s", service, status, drawn)
			}
		}
	}
	if drawn, err := p.States("warehouse"); err == nil {
		t.Errorf("a service that there is not was drawn:\n%s", drawn)
	}
}
