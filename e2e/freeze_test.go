package e2e_test

import (
	"testing"
	"time"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestWhoeverIsFrozenForAWhileGoesOnAsIfNothingHadBeen(t *testing.T) {
	play(t, Frozen(2*time.Second))
}

func TestAnInstancePausedPastItsLeaseLosesAndRepeatsNothing(t *testing.T) {
	play(t, PausedPastItsLease())
}

func TestAKilledDatabaseDelaysOrdersAndLosesNone(t *testing.T) { play(t, DatabaseKilled()) }
