package proof_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What the house keeps to.
const (
	longestFile     = 250 // lines
	longestTestFile = 400
	longestName     = 45 // of a test
	longestReadme   = 150
	proof           = "github.com/quintet-eda/quintet/e2e/proof"
)

var root = filepath.Join("..", "..")

// source is a file of Go that people write.
type source struct {
	path string // from the root
	text string
	file *ast.File
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "bin" || len(d.Name()) > 2 && d.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if ast.IsGenerated(file) {
			return nil
		}
		short, err := filepath.Rel(root, path)
		all = append(all, source{filepath.ToSlash(short), string(text), file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 300 {
		t.Fatalf("only %d files were found", len(all))
	}
	return all
}

func TestNothingImportsTheProof(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasPrefix(s.path, "e2e/proof/") {
			continue
		}
		for _, imported := range s.file.Imports {
			path, err := strconv.Unquote(imported.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if path == proof || strings.HasPrefix(path, proof+"/") {
				t.Errorf("%s imports %s, which is for whoever wants the proof", s.path, path)
			}
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		most := longestFile
		if strings.HasSuffix(s.path, "_test.go") {
			most = longestTestFile
		}
		if n := strings.Count(s.text, "\n"); n > most {
			t.Errorf("%s has %d lines, and at most %d are to be read at once", s.path, n, most)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > longestReadme {
		t.Errorf("README.md has %d lines, not %d at most", n, longestReadme)
	}
}

func TestNamesOfTestsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, is := d.(*ast.FuncDecl)
			if is && strings.HasPrefix(f.Name.Name, "Test") && len(f.Name.Name) > longestName {
				t.Errorf("%s: %s has %d letters, not %d at most", s.path, f.Name.Name, len(f.Name.Name), longestName)
			}
		}
	}
}

func TestEveryDecisionIsInTheIndex(t *testing.T) {
	dir := filepath.Join(root, "docs", "adr")
	index, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "0*.md"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d decisions were found: %v", len(pages), err)
	}
	for _, page := range pages {
		name := filepath.Base(page)
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		if line := "| [" + title + "](" + name + ") |"; !strings.Contains(string(index), line) {
			t.Errorf("docs/adr/README.md has no line that begins with %q", line)
		}
		if !strings.Contains(strings.ToLower(string(text)), "decide otherwise") {
			t.Errorf("%s does not say when we would decide otherwise", name)
		}
	}
}

// A metric is on the page of the operator, under its name, and no other name is there.
func TestEveryMetricIsOnTheOperatorsPage(t *testing.T) {
	made := map[string]bool{}
	name := regexp.MustCompile(`"(quintet_[a-z_]+)", *(?:Help:|")`)
	for _, s := range sources(t) {
		if strings.HasPrefix(s.path, "pkg/") && !strings.HasSuffix(s.path, "_test.go") {
			for _, m := range name.FindAllStringSubmatch(s.text, -1) {
				made[m[1]] = true
			}
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(made) < 15 {
		t.Fatalf("%d metrics were found: %v", len(made), err)
	}
	told := map[string]bool{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range regexp.MustCompile(`quintet_[a-z_]+`).FindAllString(string(text), -1) {
			if !made[word] {
				t.Errorf("%s tells of %s, which there is not", page, word)
			}
			told[word] = told[word] || filepath.Base(page) == "operations.md"
		}
	}
	for name := range made {
		if !told[name] {
			t.Errorf("docs/operations.md does not tell of %s", name)
		}
	}
}
