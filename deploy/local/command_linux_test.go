package local_test

import (
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
