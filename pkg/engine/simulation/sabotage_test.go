//go:build sabotage

package simulation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Each mutant is built and played, which takes ten minutes for all: make sabotage.
func TestEveryMutantOfTheKitIsCaught(t *testing.T) {
	for _, m := range Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			began := time.Now()
			seeds, verdict := m.play(t)
			if verdict == "" {
				t.Fatalf("nobody noticed, in %d seeds", seeds)
			}
			t.Logf("caught after %d seeds, %s: %s", seeds, time.Since(began).Round(time.Second), verdict)
		})
	}
}

// caught is how a test says that a seed went wrong.
var caught = regexp.MustCompile(`seed (\d+): \d+ steps\n\s+(.*)`)

// play builds the mutant and plays seeds until one goes wrong. It returns how
// many there were, and what the judge said.
func (m Mutant) play(t *testing.T) (seeds int, verdict string) {
	t.Helper()
	const most = 2000
	binary := m.build(t)
	play := exec.CommandContext(t.Context(), binary, "-test.run=TestNothingIsLost", "-from="+strconv.FormatUint(m.From, 10), "-seeds="+strconv.Itoa(most), "-test.timeout=5m")
	out, err := play.CombinedOutput()
	if err == nil {
		return most, ""
	}
	found := caught.FindStringSubmatch(string(out))
	if found == nil {
		t.Fatalf("ended %v, and not by the judge:\n%.2000s", err, out)
	}
	seed, _ := strconv.ParseUint(found[1], 10, 64) // digits
	return int(seed-m.From) + 1, found[2]
}

// build builds this package's tests over the mutated kit.
func (m Mutant) build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file, err := filepath.Abs(filepath.Join(source, m.File))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mutated, overlay, binary := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mutant.test")
	plan, err := json.Marshal(map[string]any{"Replace": map[string]string{file: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	words := string(text)
	for _, e := range m.Edits {
		words = strings.Replace(words, e.Was, e.Is, 1)
	}
	for path, content := range map[string]string{mutated: words, overlay: string(plan)} {
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
