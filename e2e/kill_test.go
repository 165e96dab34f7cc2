package e2e_test

import (
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestKilledServicesLoseNothingAndRecoverInTime(t *testing.T) {
	bound := 2 * time.Second
	switch {
	case raced:
		bound *= 3 // the race detector makes a start several times slower
	case playing.stage.shared():
		bound *= 8 // starting a container, and each check of its health, takes a process
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	play(t, KillEach(seed, rounds(4), func(b Back) {
		t.Logf("%-9s ready after %4d ms, handled after %4d ms", b.Service, b.Ready.Milliseconds(), b.Handled.Milliseconds())
		if b.Ready > bound || b.Handled > bound {
			t.Errorf("%s was back %s after its restart", b.Service, max(b.Ready, b.Handled))
		}
	}))
}

func TestMachineCrashKeepsAcknowledgedOrders(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	play(t, AllKilled(seed, rounds(4)))
}
