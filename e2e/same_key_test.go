package e2e_test

import (
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestARepeatedRequestIsOneOrder(t *testing.T) { play(t, SameKey()) }
