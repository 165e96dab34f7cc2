package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestADeclinedCardReleasesTheStock(t *testing.T) { play(t, PaymentDeclined()) }
