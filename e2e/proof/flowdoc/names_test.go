package flowdoc_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The documents say which test shows a claim. A claim whose test is gone, or
// was never there, is found here.
func TestEveryTestThatADocumentNamesExists(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	exist := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, m := range declared.FindAllStringSubmatch(read(t, path), -1) {
				exist[m[1]] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w+`)
	for _, document := range []string{"README.md", "docs/failure-modes.md", "pkg/engine/doc.go"} {
		names := named.FindAllString(read(t, filepath.Join(root, document)), -1)
		if len(names) == 0 && document != "README.md" {
			t.Errorf("%s names no test", document)
		}
		for _, name := range names {
			if !exist[name] {
				t.Errorf("%s names %s, which does not exist", document, name)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
