package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/deploy/local"
	. "github.com/quintet-eda/quintet/e2e"
)

// storyBound is how long a story and its judgement may take.
const storyBound = 60 * time.Second

// hasty are settings that let the services run out of patience within a story.
var hasty = []string{
	"PROVIDER_TIMEOUT=1s", "PROVIDER_ATTEMPTS=4", "PROVIDER_BUDGET=20s",
	"CARRIER_TIMEOUT=1s", "CARRIER_ATTEMPTS=2", "CARRIER_BUDGET=20s",
	"MAIL_TIMEOUT=3s",
}

// programs are the system's binaries, built once, when the first story needs
// them.
type programs struct {
	once sync.Once
	dir  string
	err  error
}

var binaries programs

func (p *programs) directory() (string, error) {
	p.once.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "quintet-e2e-"); p.err == nil {
			p.err = build(p.dir)
		}
	})
	return p.dir, p.err
}

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir)
	}
	os.Exit(code)
}

// build builds the system's programs. The broker is a library in a shell and
// stays without the race detector, which would make it several times slower.
func build(dir string) error {
	const module = "github.com/quintet-eda/quintet/"
	programs := []string{module + "deploy/local/cmd/registry", module + "deploy/sandbox/cmd/sandbox"}
	for _, s := range []string{"order", "inventory", "payment", "shipping", "email"} {
		programs = append(programs, module+"services/"+s+"/cmd/"+s)
	}
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if raced {
		args = append(args, "-race")
	}
	if text, err := exec.Command("go", append(args, programs...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the system: %w\n%s", err, text)
	}
	text, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator), module+"deploy/local/cmd/broker").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the broker: %w\n%s", err, text)
	}
	return nil
}

// system is a stack of its own, with all that has to be undone in the end.
type system struct {
	stack   *local.Stack
	base    int
	dir     string
	release func()
}

// newSystem prepares a stack on free ports and starts nothing. env are settings
// for all services.
func newSystem(env ...string) (*system, error) {
	programs, err := binaries.directory()
	if err != nil {
		return nil, err
	}
	s := &system{}
	if s.dir, err = os.MkdirTemp("", "quintet-e2e-data-"); err != nil {
		return nil, err
	}
	if s.base, s.release, err = local.ReservePortBase(); err != nil {
		return nil, err
	}
	each := map[string][]string{}
	for _, name := range local.Names() {
		each[name] = append(slices.Clone(hasty), env...)
	}
	s.stack, err = local.New(local.Options{BinDir: programs, DataDir: s.dir, PortBase: s.base, Env: each})
	return s, err
}

// stop stops the stack. It fails when a process did not stop cleanly, or ran
// into a data race.
func (s *system) stop() error {
	err := s.stack.Stop()
	for _, name := range local.Names() {
		if text, _ := os.ReadFile(s.stack.LogFile(name)); bytes.Contains(text, []byte("DATA RACE")) {
			err = errors.Join(err, fmt.Errorf("%s ran into a data race:\n%s", name, text[bytes.Index(text, []byte("WARNING: DATA RACE")):]))
		}
	}
	s.release()
	return errors.Join(err, os.RemoveAll(s.dir))
}

// tail is the end of what a process has logged.
func (s *system) tail(name string, lines int) string {
	text, _ := os.ReadFile(s.stack.LogFile(name))
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// play tells a story on a stack of its own, which is up.
func play(t *testing.T, story Story, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), storyBound)
	defer cancel()
	s := alone(t, env...)
	if err := s.stack.Up(ctx); err != nil {
		t.Fatal(err)
	}
	tell(ctx, t, s, story)
}

// alone prepares a stack that ends with the test.
func alone(t *testing.T, env ...string) *system {
	t.Helper()
	s, err := newSystem(env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func tell(ctx context.Context, t *testing.T, s *system, story Story) {
	t.Helper()
	begun := time.Now()
	w, err := NewWorld(At(s.base), s.stack, Narrator{Say: t.Logf, Show: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err = story.Play(ctx, w); err == nil {
		err = w.Judge(ctx)
	}
	if err != nil {
		t.Errorf("%s: %v", story.Name, err)
		t.Log(confession(t, s, w, begun))
	}
	t.Logf("%s: %d orders, %.1f s", story.Name, len(w.Placed()), time.Since(begun).Seconds())
}

// confession is everything that helps to see why a story went wrong: the whole
// flow of each order that moved since the story began, and what the processes
// said last.
func confession(t *testing.T, s *system, w *World, begun time.Time) string {
	var b strings.Builder
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	facts, err := w.Topics.Read(ctx)
	if err != nil {
		fmt.Fprintf(&b, "the topics cannot be read: %v\n", err)
	}
	const most = 40 // flows that anybody will look at
	var orders []string
	for _, f := range facts {
		if f.Appended.After(begun) && !slices.Contains(orders, f.Key) {
			orders = append(orders, f.Key)
		}
	}
	for i, order := range orders {
		if i == most {
			fmt.Fprintf(&b, "and %d more orders\n", len(orders)-most)
			break
		}
		_ = Print(&b, slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return f.Key != order })) // a builder takes everything
	}
	for _, name := range local.Names() {
		fmt.Fprintf(&b, "--- the end of %s's log\n%s\n", name, s.tail(name, 25))
	}
	return b.String()
}
