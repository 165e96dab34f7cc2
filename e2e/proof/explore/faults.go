package explore

import "slices"

// fault is the failure in a step, if there is one. No bound is known for the number of
// such failures. The response of the kit and of the far sides to each is a further
// step.
type fault uint8

const (
	unanswered fault = iota + 1 // an attempt is made, and no answer comes
	crashing                    // a process ends
)

// The marks of a step, beside the number of the world that it leads to.
const (
	markUnanswered = 1 << 31
	markCrashing   = 1 << 30
	marks          = markUnanswered | markCrashing
)

func (s step) marks() uint32 {
	switch {
	case s.move == nil:
		return 0
	case s.move.fault == unanswered:
		return markUnanswered
	case s.move.fault == crashing:
		return markCrashing
	}
	return 0
}

// goesOn reports whether a world has a step that comes by itself, without a wish and
// without a failure. Inventory handles nothing while the stock breaks its law. goesOn
// accepts that, since the exploration does not follow such a world further.
func goesOn(v []uint32, steps []step) bool {
	return slices.ContainsFunc(steps, func(s step) bool {
		if s.move == nil {
			return !s.optional
		}
		return !s.optional && s.move.fault == 0 && (v[s.slot] != s.to || s.stock >= 0 && v[len(v)-1] != uint32(s.stock))
	})
}
