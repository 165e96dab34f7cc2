package explore

import (
	"fmt"
	"slices"
	"strings"
)

// circle is a path that leads back to its first place, without an unanswered attempt.
// A schedule that repeats it has no end, and no unanswered attempt is the reason.
type circle struct {
	at    int // world; no other of its place is reached in fewer steps
	steps []string
}

// sequence is the number that stands for the stock operations of a world's order, if
// the stock is the environment's; else it is 0.
func (g *graph) sequence(n int) int32 {
	return g.m.parts[ofInventory].values[g.world(n)[ofInventory]].stock
}

func (g *graph) depth(n int) int {
	depth := 0
	for ; n != 0; n = int(g.parent[n]) {
		depth++
	}
	return depth
}

// circles finds, for each sequence of stock operations, the circle of the fewest steps,
// counted with the path to it. A circle is within one sequence, as sequences only grow.
func (r *rounds) circles() map[int32]circle {
	found := map[int32]circle{}
	fewest := map[int32]int{}
	for _, place := range r.left {
		s, depth := r.g.sequence(int(place)), r.g.depth(int(place))
		most := r.g.len()
		if n, known := fewest[s]; known {
			most = n - depth - 1
		}
		if steps := r.back(place, most); steps != nil {
			found[s], fewest[s] = circle{int(place), steps}, depth+len(steps)
		}
	}
	return found
}

// back is the shortest path from a place to itself, if one has at most the given number
// of steps.
func (r *rounds) back(place uint32, most int) []string {
	type passage struct{ from, to uint32 } // worlds
	into := map[uint32]passage{}
	places := []uint32{place}
	for steps := 0; steps < most && len(places) > 0; steps++ {
		var next []uint32
		for _, p := range places {
			for n := range r.worlds(p) {
				for _, lead := range r.g.leads(n) {
					to := r.at(lead &^ marks)
					if _, known := into[to]; known || lead&r.without != 0 || r.entries[to] == 0 {
						continue
					}
					into[to] = passage{n, lead &^ marks}
					next = append(next, to)
				}
			}
		}
		if _, closed := into[place]; closed {
			var names []string
			for at := place; len(names) == 0 || at != place; at = r.at(into[at].from) {
				names = append(names, r.g.stepWithout(r.without, int(into[at].from), int(into[at].to)))
			}
			slices.Reverse(names)
			return names
		}
		places = next
	}
	return nil
}

// longestWay returns the most steps of any path without the marks, wherever it begins,
// by the sequence of stock operations at its end.
func (r *rounds) longestWay() []int {
	longest := make([]int, len(r.g.m.trade.sequences))
	for n := range r.g.visited() {
		s := r.g.sequence(n)
		longest[s] = max(longest[s], int(r.longest[r.at(uint32(n))]))
	}
	return longest
}

// endless finds the schedule of the fewest steps that leads to a circle and around it,
// or to a world that stops before its end, without further unanswered attempts. If it
// finds none, it also returns the most steps that any schedule then takes.
func (g *graph) endless() (*Violation, int) {
	r := newRounds(g, markUnanswered)
	longest := 0
	for _, steps := range r.longestWay() {
		longest = max(longest, steps)
	}
	var found *Violation
	if len(g.stuck) > 0 {
		n := g.stuck[0]
		found = &Violation{Property: AllEnd, What: g.m.standsStill(g.world(n)), Schedule: Schedule{g.m.scope.Name, g.schedule(n)}, States: g.len()}
	}
	for _, c := range r.circles() {
		way := slices.Concat(g.schedule(c.at), c.steps)
		if found == nil || len(way) < len(found.Schedule.Steps) {
			found = &Violation{Property: AllEnd, What: comesRound(c.steps), Schedule: Schedule{g.m.scope.Name, way}, States: g.len()}
		}
	}
	if found != nil {
		longest = 0
	}
	return found, longest
}

// comesRound describes the last steps of a schedule as a circle.
func comesRound(steps []string) string {
	if len(steps) == 1 {
		return fmt.Sprintf("the last step, %s, leads back to where it began, and can be taken for ever", steps[0])
	}
	return fmt.Sprintf("the last %d steps, %s, lead back to where they began, and can be taken for ever", len(steps), strings.Join(steps, " and "))
}

func (m *model) standsStill(v []uint32) string {
	return m.open(v) + ", and nothing happens any more unless somebody wishes it or something goes wrong"
}
