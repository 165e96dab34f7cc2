package flowdoc

import (
	"math/bits"
)

// set is a set of events, by their place in the protocol's list; a local
// automaton uses the places after them for its commands and timers.
type set uint64

func (s set) has(i int) bool     { return s>>i&1 == 1 }
func (s set) with(i int) set     { return s | 1<<i }
func (s set) without(i int) set  { return s &^ (1 << i) }
func (s set) holds(sub set) bool { return sub&^s == 0 }

// each returns the members, in order.
func (s set) each() []int {
	var members []int
	for ; s != 0; s &= s - 1 {
		members = append(members, bits.TrailingZeros64(uint64(s)))
	}
	return members
}
