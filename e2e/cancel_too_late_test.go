package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestACancellationAfterTheBookingChangesNothing(t *testing.T) { play(t, CancelTooLate()) }
