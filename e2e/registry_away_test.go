package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestARegistryMayBeAwayAndMayLoseItsMemory(t *testing.T) { play(t, RegistryAway()) }

func TestAKilledRegistryKnowsWhatItKnew(t *testing.T) { play(t, RegistryKilled()) }

func TestRegistryDataLossUnderLoadIsRepaired(t *testing.T) { play(t, RegistryForgets()) }
