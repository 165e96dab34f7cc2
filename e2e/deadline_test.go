package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestDeadlineDuringPaymentOutageKeepsNoMoney(t *testing.T) {
	play(t, DeadlinePasses())
}
