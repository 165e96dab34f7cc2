package flowdoc

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/services/order"
)

// A value that the contract or a result gains must be tried, or what becomes
// of it is not known.
func TestEveryDeclaredValueIsTried(t *testing.T) {
	tried := map[reflect.Type][]string{}
	for _, c := range choices {
		if of := reflect.TypeOf(c); of.PkgPath() != "" {
			tried[of] = append(tried[of], reflect.ValueOf(c).String())
		}
	}
	for of, values := range tried {
		_, dir, _ := strings.Cut(of.PkgPath(), "quintet-eda/quintet/")
		declared := constants(t, filepath.Join("..", "..", "..", dir), of.Name())
		slices.Sort(values)
		if diff := cmp.Diff(declared, values); diff != "" {
			t.Errorf("values of %s (-declared +tried):\n%s", of, diff)
		}
	}
}

// constants are the values of a type's constants, sorted.
func constants(t *testing.T, dir, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	values := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) == 0 {
				return true
			}
			value := spec.Values[0]
			of := spec.Type
			if conversion, ok := value.(*ast.CallExpr); ok && len(conversion.Args) == 1 {
				of, value = conversion.Fun, conversion.Args[0]
			}
			named, isNamed := of.(*ast.Ident)
			literal, isLiteral := value.(*ast.BasicLit)
			if isNamed && isLiteral && named.Name == name {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values[text] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(values))
}

type colour string

func TestAValueOfAnUnknownTypeIsRefused(t *testing.T) {
	if made, err := every(struct{ Of colour }{}); err == nil {
		t.Errorf("made %v", made)
	}
}

// Order's states are told apart without their progress. That is right as long
// as a reaction does the same whatever the progress is.
func TestNoReactionReadsTheProgress(t *testing.T) {
	p, err := Study(Production())
	if err != nil {
		t.Fatal(err)
	}
	l := p.locals[0]
	some := []order.Step{{Event: "OrderPlaced"}, {Event: "ShipmentCreated"}, {Event: "OrderCancelled"}}
	compared := 0
	for at := range l.steps {
		o, in := l.states[at[0]].(order.Order), l.inputs[at[1]].body
		bare, bareOut, bareErr := order.Flow.React(o, "id", time.Time{}, in)
		o.Progress = some
		full, fullOut, fullErr := order.Flow.React(o, "id", time.Time{}, in)
		if diff := cmp.Diff(withoutProgress(bare), withoutProgress(full)) + cmp.Diff(bareOut, fullOut); diff != "" || (bareErr == nil) != (fullErr == nil) {
			t.Errorf("%s: errors %v and %v; (-without +with progress):\n%s", l.told(at[1]), bareErr, fullErr, diff)
		}
		compared++
	}
	if compared < 100 {
		t.Errorf("compared %d reactions only", compared)
	}
}
