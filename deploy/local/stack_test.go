package local_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/deploy/local"
)

func TestTheWholeStackComesUpAndStopsCleanly(t *testing.T) {
	opts := options(t)
	stack := newStack(t, opts)
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := stack.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range local.Names()[3:] {
		if log := read(t, stack.LogFile(name)); !strings.Contains(log, "stopped cleanly") {
			t.Errorf("%s was not asked to stop while the registry was there: %s", name, log)
		}
	}
	if err := local.CheckPorts(opts.PortBase); err != nil {
		t.Error(err)
	}
	again := newStack(t, opts) // over the same data
	if err := again.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessCanBeKilledAndStartedAgain(t *testing.T) {
	stack := newStack(t, options(t))
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(string) error{stack.Kill, stack.Terminate} {
		for _, name := range []string{"broker", "registry", "payment"} {
			if err := end(name); err != nil {
				t.Fatal(err)
			}
			if err := stack.WaitReady(testContext(t), name); !errors.Is(err, local.ErrDied) {
				t.Errorf("%s ended, and WaitReady says %v", name, err)
			}
			if err := stack.Start(name); err != nil {
				t.Fatal(err)
			}
			if err := stack.WaitReady(testContext(t), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case err := <-stack.Died():
		t.Errorf("an end that was asked for is reported: %v", err)
	default:
	}
	if err := stack.Start("payment"); err == nil {
		t.Error("payment was started twice")
	}
}

func TestTheOrderOfStartDoesNotMatter(t *testing.T) {
	stack := newStack(t, options(t))
	if err := stack.Start("order"); err != nil {
		t.Fatal(err)
	}
	bounded, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := stack.WaitReady(bounded, "order")
	if err == nil || !strings.Contains(err.Error(), "order is not ready") || !strings.Contains(err.Error(), "registry:") {
		t.Fatalf("got %v, want what order waits for", err)
	}
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func TestPausedProcessIsNotReadyUntilResumed(t *testing.T) {
	stack := newStack(t, options(t))
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := stack.Pause("shipping"); err != nil {
		t.Fatal(err)
	}
	bounded, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := stack.WaitReady(bounded, "shipping"); err == nil {
		t.Error("a paused process answered")
	}
	if err := stack.Resume("shipping"); err != nil {
		t.Fatal(err)
	}
	if err := stack.WaitReady(testContext(t), "shipping"); err != nil {
		t.Fatal(err)
	}
	if err := stack.Pause("shipping"); err != nil { // Stop must reach it all the same
		t.Fatal(err)
	}
	if err := stack.Stop(); err != nil {
		t.Error(err)
	}
}

func TestProcessDeathReportsStatusAndLastLine(t *testing.T) {
	opts := options(t)
	opts.Env = map[string][]string{"email": {"FAKE=fail"}}
	stack := newStack(t, opts)
	want := "email died: exit status 3: the database is broken (" + stack.LogFile("email") + ")"
	if err := stack.Up(testContext(t)); err == nil || err.Error() != want {
		t.Errorf("Up says %v, want %s", err, want)
	}
	select {
	case err := <-stack.Died():
		if err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	case <-testContext(t).Done():
		t.Error("the death was not reported")
	}
}

func TestStartupFailsAtOnceNamingTheDeadProcess(t *testing.T) {
	opts := options(t)
	opts.Env = map[string][]string{"registry": {"COMPATIBILITY=sometimes"}}
	err := newStack(t, opts).Up(testContext(t))
	if err == nil || !strings.HasPrefix(err.Error(), "registry died: exit status 1: ") || !strings.Contains(err.Error(), "sometimes") ||
		strings.Contains(err.Error(), "not ready") {
		t.Errorf("got %v, want the end of the registry, for which the others wait", err)
	}
}

func TestProcessIgnoringStopIsKilledAndNamed(t *testing.T) {
	opts := options(t)
	opts.Env = map[string][]string{"email": {"FAKE=deaf"}}
	stack := newStack(t, opts)
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	err := stack.Stop()
	if err == nil || !strings.Contains(err.Error(), "email did not stop") {
		t.Errorf("got %v, want email named", err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestTakenPortErrorNamesPortAndProcess(t *testing.T) {
	opts := options(t)
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", opts.PortBase+3))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = local.New(opts)
	want := fmt.Sprintf("port taken: %d (payment)", opts.PortBase+3)
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestADataDirectoryBelongsToOneStackAtATime(t *testing.T) {
	opts := options(t)
	newStack(t, opts)
	if _, err := local.New(opts); err == nil || !strings.Contains(err.Error(), "another stack is running in") {
		t.Errorf("got %v", err)
	}
}

func TestReservedPortBasesDiffer(t *testing.T) {
	seen := make(map[int]bool)
	for range 20 {
		base := reserve(t)
		if seen[base] {
			t.Fatalf("port base %d was given twice", base)
		}
		seen[base] = true
	}
}

func options(t *testing.T) local.Options {
	t.Helper()
	bin, err := executables()
	if err != nil {
		t.Fatal(err)
	}
	return local.Options{BinDir: bin, DataDir: t.TempDir(), PortBase: reserve(t)}
}

func reserve(t *testing.T) int {
	t.Helper()
	base, release, err := local.ReservePortBase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return base
}

func newStack(t *testing.T, opts local.Options) *local.Stack {
	t.Helper()
	stack, err := local.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stack.Stop() })
	return stack
}

// executables builds the real broker, registry and local, and a fake of everything else.
var executables = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "quintet-bin")
	if err != nil {
		return "", err
	}
	for name, source := range map[string]string{
		"broker": "./cmd/broker", "registry": "./cmd/registry", "local": "./cmd/local", "fake": "./testdata/fake",
	} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), source).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build %s: %w: %s", name, err, out)
		}
	}
	for _, name := range local.Names()[2:] {
		if err := os.Symlink("fake", filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := executables(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestStateIsNotRemovedUnderARunningSystem(t *testing.T) {
	opts := options(t)
	stack := newStack(t, opts)
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := local.Clean(opts.DataDir); err == nil {
		t.Error("the state was removed under a running system")
	}
	if err := stack.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := local.Clean(opts.DataDir); err != nil {
		t.Error(err)
	}
	if _, err := local.ReadState(opts.DataDir); err == nil {
		t.Error("the state is still there")
	}
}

func TestAPortBaseThatCannotBeIsRefused(t *testing.T) {
	for _, base := range []int{-5, 0, 80, 64500, 70000} {
		opts := options(t)
		opts.PortBase = base
		if _, err := local.New(opts); err == nil {
			t.Errorf("port base %d was taken", base)
		}
	}
}
