package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/quintet-eda/quintet/deploy/local"
	. "github.com/quintet-eda/quintet/e2e"
)

// localStage gives each story a system of its own, of local processes.
type localStage struct {
	programs string // directory of the system's binaries, built for the first story
}

func (s *localStage) open(ctx context.Context, t *testing.T) (Target, Control) {
	t.Helper()
	if err := s.build(ctx); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "quintet-e2e-data-")
	if err != nil {
		t.Fatal(err)
	}
	base, release, err := local.ReservePortBase()
	if err != nil {
		t.Fatal(err)
	}
	each := map[string][]string{}
	for _, name := range local.Names() {
		each[name] = hasty
	}
	stack, err := local.New(local.Options{BinDir: s.programs, DataDir: dir, PortBase: base, Env: each})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stack.Stop(), races(stack), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
		release()
	})
	if err := stack.Up(ctx); err != nil {
		t.Fatal(err)
	}
	return At(base), stack
}

func (s *localStage) shared() bool { return false }

func (s *localStage) close() error { return os.RemoveAll(s.programs) }

// build builds the system's programs. The broker is a thin program around a library. It
// stays without the race detector, which would make it several times slower.
func (s *localStage) build(ctx context.Context) error {
	if s.programs != "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "quintet-e2e-")
	if err != nil {
		return err
	}
	const module = "github.com/quintet-eda/quintet/"
	programs := []string{module + "deploy/local/cmd/registry", module + "deploy/sandbox/cmd/sandbox"}
	for _, s := range []string{"order", "inventory", "payment", "shipping", "email"} {
		programs = append(programs, module+"services/"+s+"/cmd/"+s)
	}
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if raced {
		args = append(args, "-race")
	}
	if text, err := exec.CommandContext(ctx, "go", append(args, programs...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the system: %w\n%s", err, text)
	}
	text, err := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), module+"deploy/local/cmd/broker").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the broker: %w\n%s", err, text)
	}
	s.programs = dir
	return nil
}

// races returns an error for each process whose log reports a data race.
func races(stack *local.Stack) error {
	var err error
	for _, name := range local.Names() {
		if text, _ := os.ReadFile(stack.LogFile(name)); bytes.Contains(text, []byte("DATA RACE")) {
			err = errors.Join(err, fmt.Errorf("%s ran into a data race:\n%s", name, text[bytes.Index(text, []byte("WARNING: DATA RACE")):]))
		}
	}
	return err
}
