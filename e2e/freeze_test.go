package e2e_test

import (
	"testing"
	"time"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestFrozenProcessLosesAndRepeatsNothing(t *testing.T) {
	play(t, Frozen(2*time.Second))
}

func TestPausePastLeaseLosesAndRepeatsNothing(t *testing.T) {
	play(t, PausedPastItsLease())
}

func TestAKilledDatabaseDelaysOrdersAndLosesNone(t *testing.T) { play(t, DatabaseKilled()) }
