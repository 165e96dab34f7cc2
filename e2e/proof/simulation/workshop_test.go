//go:build sabotage

package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// chooses is the variable that says which mutant a process is, by its number; unset, it
// is the kit as it stands.
const chooses = "QUINTET_MUTANT"

// A package whose files are mutated gets this beside them.
const chosen = `package %s

import (
	"os"
	"strconv"
)

var mutant, _ = strconv.Atoi(os.Getenv("` + chooses + `"))

func mutated[T any](is T, id int, other T) T {
	if mutant == id {
		return other
	}
	return is
}
`

// buildAll builds this package's tests over the kit with all mutants in it. Beside each
// function that a mutant changes stands its copy, and the function begins with a call of
// it; each value that one changes is chosen where it is initialised. So one build, of
// some seconds, does for all.
func buildAll(t *testing.T, mutants []Mutant) (binary string) {
	t.Helper()
	files := map[string]*workpiece{}
	for i, m := range mutants {
		path := m.path(t)
		if files[path] == nil {
			files[path] = newWorkpiece(t, path)
		}
		files[path].add(t, i+1, m)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	put := func(path, text string) {
		if replace[path] != "" {
			return
		}
		replace[path] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, w := range files {
		put(path, w.text())
		put(filepath.Join(filepath.Dir(path), "zz_mutant.go"), fmt.Sprintf(chosen, w.file.Name.Name))
	}
	plan, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "mutants.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the mutants: %v\n%s", err, out)
	}
	return binary
}

// workpiece is a file of the kit that takes in mutants.
type workpiece struct {
	base    []byte
	file    *ast.File
	changes []change
	imports map[string]bool
	copies  bytes.Buffer
}

// change puts text in place of what stands between two offsets of the base.
type change struct {
	from, to int
	text     string
}

func newWorkpiece(t *testing.T, path string) *workpiece {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &workpiece{base: text, file: parse(t, text), imports: map[string]bool{}}
}

// parse reads a file whose positions are offsets plus one.
func parse(t *testing.T, text []byte) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func between(text []byte, from, to token.Pos) string { return string(text[from-1 : to-1]) }

// add takes a mutant in. The mutated file has the declarations of the base; those that
// differ are what it is about.
func (w *workpiece) add(t *testing.T, id int, m Mutant) {
	t.Helper()
	text := []byte(m.applied(string(w.base)))
	file := parse(t, text)
	if len(file.Decls) != len(w.file.Decls) {
		t.Fatalf("%s: adds or removes a declaration", m.Name)
	}
	suffix := fmt.Sprintf("_mutant%d", id)
	var other []string // functions whose signature it changes: its copies call each other
	for pass := range 2 {
		for i, was := range w.file.Decls {
			is := file.Decls[i]
			if between(w.base, was.Pos(), was.End()) == between(text, is.Pos(), is.End()) {
				continue
			}
			switch was := was.(type) {
			case *ast.FuncDecl:
				is := is.(*ast.FuncDecl)
				same := between(w.base, was.Pos(), was.Body.Pos()) == between(text, is.Pos(), is.Body.Pos())
				switch {
				case pass == 0 && !same:
					other = append(other, was.Name.Name)
				case pass == 1:
					copied := between(text, is.Pos(), is.Name.Pos()) + is.Name.Name + suffix + between(text, is.Name.End(), is.End())
					for _, name := range other {
						copied = regexp.MustCompile(`\.`+name+`\(`).ReplaceAllString(copied, "."+name+suffix+"(")
					}
					fmt.Fprintf(&w.copies, "\n%s\n", copied)
					if same {
						w.dispatch(was, id, suffix)
					}
				}
			case *ast.GenDecl:
				if pass == 0 {
					w.value(t, id, m, was, is.(*ast.GenDecl), text)
				}
			}
		}
	}
}

// dispatch has a function begin with a call of its copy.
func (w *workpiece) dispatch(f *ast.FuncDecl, id int, suffix string) {
	var args []string
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			arg := name.Name
			if arg == "_" {
				arg = fmt.Sprintf("unnamed%d", len(args))
				w.once(change{int(name.Pos() - 1), int(name.End() - 1), arg})
			}
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			args = append(args, arg)
		}
	}
	call := f.Name.Name + suffix + "(" + strings.Join(args, ", ") + ")"
	if f.Recv != nil {
		call = f.Recv.List[0].Names[0].Name + "." + call
	}
	if f.Type.Results != nil {
		call = "return " + call
	} else {
		call += "; return"
	}
	at := int(f.Body.Lbrace)
	w.changes = append(w.changes, change{at, at, fmt.Sprintf("\nif mutant == %d { %s }\n", id, call)})
}

// once makes a change unless an earlier mutant has made it.
func (w *workpiece) once(c change) {
	if !slices.Contains(w.changes, c) {
		w.changes = append(w.changes, c)
	}
}

// value has the value of a constant or a variable chosen. The constant becomes a
// variable. Imports are added up.
func (w *workpiece) value(t *testing.T, id int, m Mutant, was, is *ast.GenDecl, text []byte) {
	t.Helper()
	if was.Tok == token.IMPORT {
		for _, s := range is.Specs {
			w.imports[between(text, s.Pos(), s.End())] = true
		}
		return
	}
	if was.Tok == token.CONST {
		if was.Lparen.IsValid() {
			t.Fatalf("%s: changes one of several constants that stand together", m.Name)
		}
		w.once(change{int(was.Pos() - 1), int(was.Pos()-1) + len("const"), "var"})
	}
	for i, s := range was.Specs {
		a, isValue := s.(*ast.ValueSpec)
		b, _ := is.Specs[i].(*ast.ValueSpec)
		if !isValue || len(a.Values) != 1 || len(b.Values) != 1 {
			continue
		}
		from, to := a.Values[0].Pos(), a.Values[0].End()
		if other := between(text, b.Values[0].Pos(), b.Values[0].End()); other != between(w.base, from, to) {
			w.changes = append(w.changes, change{int(from - 1), int(from - 1), "mutated("}, change{int(to - 1), int(to - 1), fmt.Sprintf(", %d, %s)", id, other)})
		}
	}
}

// text is the file with all mutants.
func (w *workpiece) text() string {
	slices.SortStableFunc(w.changes, func(a, b change) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, c := range w.changes {
		b.Write(w.base[at:c.from])
		b.WriteString(c.text)
		at = c.to
	}
	b.Write(w.base[at:])
	b.Write(w.copies.Bytes())
	text := b.String()
	for _, s := range w.file.Imports {
		delete(w.imports, between(w.base, s.Pos(), s.End()))
	}
	if len(w.imports) > 0 {
		more := "\nimport (\n" + strings.Join(slices.Sorted(maps.Keys(w.imports)), "\n") + "\n)\n"
		end := int(w.file.Name.End() - 1)
		text = text[:end] + more + text[end:]
	}
	return text
}
