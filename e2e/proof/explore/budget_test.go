package explore

import (
	"flag"
	"testing"
)

var full = flag.Bool("full", false, "explore also what takes longer than a few seconds")

// affordable skips a test that visits more states than there is time for. With
// the race detector everything takes seven times as long, and an exploration is
// one goroutine, in which it finds nothing. .ci/run plays the skipped scopes by
// go test ./explore -full, without the race detector, which takes a minute.
func affordable(t *testing.T, states int) {
	t.Helper()
	most, where := 1_000_000, ""
	if raceOn {
		most, where = 100_000, " with the race detector"
	}
	if !*full && states > most {
		t.Skipf("left out%s: %s states; the full run is go test ./explore -full", where, thousands(states))
	}
}
