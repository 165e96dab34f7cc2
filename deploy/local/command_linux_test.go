package local_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/deploy/local"
)

// Only Linux ties the life of a child to its parent's.
func TestNoChildOutlivesAKilledSupervisor(t *testing.T) {
	opts := options(t)
	up := runUp(t, opts)
	up.waitFor("Ctrl-C stops everything.")
	if err := up.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = up.cmd.Wait()
	waitUntil(t, func() bool { return local.CheckPorts(opts.PortBase) == nil })
}

// The environment of a process is a file on Linux alone.
func TestProcessesShareTheCores(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"", fmt.Sprint(max(1, runtime.GOMAXPROCS(0)/4))},
		{"7", "7"},
	} {
		t.Setenv("GOMAXPROCS", c.set)
		if c.set == "" {
			if err := os.Unsetenv("GOMAXPROCS"); err != nil {
				t.Fatal(err)
			}
		}
		opts := options(t)
		if err := newStack(t, opts).Up(testContext(t)); err != nil {
			t.Fatal(err)
		}
		state, err := local.ReadState(opts.DataDir)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, setting := range strings.Split(read(t, fmt.Sprintf("/proc/%d/environ", state.PIDs["order"])), "\x00") {
			if of, is := strings.CutPrefix(setting, "GOMAXPROCS="); is {
				got = of
			}
		}
		if got != c.want {
			t.Errorf("set to %q, a service has GOMAXPROCS=%q, want %s", c.set, got, c.want)
		}
	}
}
