package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestCancelBeforeReservationChargesNothing(t *testing.T) {
	play(t, CancelBeforeReservation())
}
