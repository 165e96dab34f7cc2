//go:build sabotage

package simulation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// All mutants are built into one binary, and each is played in a process of its own.
func TestEveryMutantOfTheKitIsCaught(t *testing.T) {
	var of []Mutant
	for _, m := range Mutants() {
		if filepath.Ext(m.File) == ".go" {
			of = append(of, m)
		}
	}
	binary := buildAll(t, of)
	if seeds, verdict := run(t, binary, 0, 1, 20); verdict != "" {
		t.Fatalf("without a mutant the binary fails too, after %d seeds: %s", seeds, verdict)
	}
	for _, m := range Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			began := time.Now()
			const most = 2000
			id, binary := 1+slices.IndexFunc(of, func(other Mutant) bool { return other.Name == m.Name }), binary
			if id == 0 {
				binary = m.build(t) // it is no Go
			}
			seeds, verdict := run(t, binary, id, m.From, most)
			if verdict == "" {
				t.Fatalf("nobody noticed, in %d seeds", seeds)
			}
			t.Logf("caught after %d seeds, %s: %s", seeds, time.Since(began).Round(time.Second/10), verdict)
		})
	}
}

// caught is how a test says that a seed went wrong.
var caught = regexp.MustCompile(`seed (\d+): \d+ steps\n\s+(.*)`)

// run plays seeds with a mutant until one goes wrong. It returns how many there were, and
// what the judge said.
func run(t *testing.T, binary string, id int, from uint64, most int) (seeds int, verdict string) {
	t.Helper()
	play := exec.CommandContext(t.Context(), binary, "-test.run=TestNothingIsLost", "-from="+strconv.FormatUint(from, 10), "-seeds="+strconv.Itoa(most), "-test.timeout=5m")
	play.Env = append(os.Environ(), chooses+"="+strconv.Itoa(id))
	out, err := play.CombinedOutput()
	if err == nil {
		return most, ""
	}
	found := caught.FindStringSubmatch(string(out))
	if found == nil {
		t.Fatalf("ended %v, and not by the judge:\n%.2000s", err, out)
	}
	seed, _ := strconv.ParseUint(found[1], 10, 64) // digits
	return int(seed-from) + 1, found[2]
}

func (m Mutant) path(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(source, m.File))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// applied is a file's text with the mutant's edits.
func (m Mutant) applied(text string) string {
	for _, e := range m.Edits {
		text = strings.Replace(text, e.Was, e.Is, 1)
	}
	return text
}

// build builds this package's tests over the mutated kit.
func (m Mutant) build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := m.path(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mutated, overlay, binary := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mutant.test")
	plan, err := json.Marshal(map[string]any{"Replace": map[string]string{file: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{mutated: m.applied(string(text)), overlay: string(plan)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("does not build: %v\n%s", err, out)
	}
	return binary
}
