package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestARegistryMayBeAwayAndMayLoseItsMemory(t *testing.T) { play(t, RegistryAway()) }

func TestARegistryThatForgetsUnderLoadLearnsEverythingAgain(t *testing.T) { play(t, RegistryForgets()) }
