package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestAChargeOfUnknownOutcomeIsUndone(t *testing.T) { play(t, ProviderLost()) }
