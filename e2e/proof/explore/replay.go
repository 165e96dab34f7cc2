package explore

import (
	"fmt"
	"slices"
)

// Replay plays a schedule in a scope. If the schedule does not fit the system, it
// returns an error with the step that failed, and the steps that were possible instead.
func Replay(sys System, scope Scope, s Schedule) (*Story, error) {
	scope.Composed = false
	m := newModel(sys, scope)
	v := m.initial()
	story := &Story{Schedule: s, orders: scope.Orders}
	was := [][]uint32{slices.Clone(v)}
	var taken []step
	for i, name := range s.Steps {
		steps := m.successors(v)
		at := slices.IndexFunc(steps, func(x step) bool { return m.stepName(x) == name })
		if at < 0 {
			return nil, m.unfit(i+1, name, steps)
		}
		steps[at].apply(v)
		story.Scenes = append(story.Scenes, m.scene(name, steps[at], was[i], v))
		was, taken = append(was, slices.Clone(v)), append(taken, steps[at])
	}
	steps := m.successors(v)
	story.Possible, story.AtRest, story.Cut = m.names(steps), m.atRest(v, steps), m.whereCut(v)
	for i, what := range m.check(Properties(), make([]View, scope.Orders), v, steps, story.AtRest) {
		if what != "" {
			story.Wrong = append(story.Wrong, Properties()[i].Name+": "+what)
		}
	}
	story.Circle = m.circle(was, taken)
	if story.Circle > 0 {
		story.Wrong = append(story.Wrong, AllEnd+": "+comesRound(s.Steps[len(s.Steps)-story.Circle:]))
	} else if steps = m.successors(v); !story.AtRest && story.Cut == "" && !goesOn(v, steps) {
		story.Wrong = append(story.Wrong, AllEnd+": "+m.standsStill(v))
	}
	if m.trapped(v) {
		story.Wrong = append(story.Wrong, NoTrap+": "+m.open(v)+", and no step leads to an end")
	}
	return story, nil
}

func (m *model) names(steps []step) (names []string) {
	for _, x := range steps {
		names = append(names, m.stepName(x))
	}
	return names
}

// circle is the number of last steps that lead back to their first world, but for the
// ids of open calls, timers and attempts. None of these steps is an unanswered attempt.
// The worlds are one more than the steps.
func (m *model) circle(worlds [][]uint32, taken []step) int {
	alike := m.anonymous()
	place := func(v []uint32) []uint32 {
		v = slices.Clone(v)
		if alike != nil {
			alike.rename(v, v)
		}
		return v
	}
	end := place(worlds[len(taken)])
	for i, s := range slices.Backward(taken) {
		if s.marks()&markUnanswered != 0 || s.move == nil && s.slot >= 0 {
			return 0
		}
		if slices.Equal(place(worlds[i]), end) {
			return len(taken) - i
		}
	}
	return 0
}

// trapped reports whether no end can be reached from a world. It visits a bounded
// number of worlds; a world that leads to more has more open work than a trap. From a
// cut world the consequences are unknown, so a world that leads to one is no trap.
func (m *model) trapped(from []uint32) bool {
	const most = 100_000
	queue, seen := [][]uint32{from}, map[string]bool{fmt.Sprint(from): true}
	for len(queue) > 0 && len(seen) < most {
		v := queue[0]
		queue = queue[1:]
		steps := slices.Clone(m.successors(v))
		if m.atRest(v, steps) || m.cut(v) {
			return false
		}
		for _, s := range steps {
			next := slices.Clone(v)
			s.apply(next)
			if key := fmt.Sprint(next); !seen[key] {
				seen[key] = true
				queue = append(queue, next)
			}
		}
	}
	return len(queue) == 0
}
