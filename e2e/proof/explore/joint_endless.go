package explore

import "slices"

// endless finds two orders that together never end, or stop before their end. Each
// step belongs to one order. In an endless schedule of both, one order repeats a cycle
// while the other repeats one too, or stops. So such a schedule exists if and only if
// one order alone has a circle where the other can be at all. The two stop together
// where one of them stops, and the other stops too or has ended.
//
// The longest path of both without unanswered attempts is no longer than the longest of
// each, added up, with the stock operations that they can do together.
func (p *pairs) endless(states int) (*Violation, int) {
	r := newRounds(p.one.g, markUnanswered)
	circles, ways := r.circles(), r.longestWay()
	still, stuck := p.still()
	longest := 0
	var found *Violation
	better := func(s Schedule, what string) {
		if found == nil || len(s.Steps) < len(found.Schedule.Steps) {
			found = &Violation{Property: AllEnd, What: what, Schedule: s, States: states}
		}
	}
	for at, n := range p.nodes {
		longest = max(longest, ways[n.first]+ways[n.second])
		if c, goes := circles[n.first]; goes {
			var steps []string
			for _, name := range c.steps {
				steps = append(steps, "1."+name)
			}
			s := p.schedule(joint{at, c.at, p.one.sequences[n.second].first, ""})
			s.Steps = append(s.Steps, steps...)
			better(s, comesRound(steps))
		}
		a, one := stuck[n.first]
		b, other := still[n.second]
		if one && other {
			v := slices.Concat(p.one.g.world(a)[:services], p.one.g.world(b))
			better(p.schedule(joint{at, a, b, ""}), p.one.g.m.standsStill(v))
		}
	}
	if found != nil {
		longest = 0
	}
	return found, longest
}

// still returns, for each sequence, the first world without a step that comes by
// itself, an end or not. It also returns the first such world that is no end.
func (p *pairs) still() (still, stuck map[int32]int) {
	g := p.one.g
	still, stuck = map[int32]int{}, map[int32]int{}
	for _, n := range g.stuck {
		first(stuck, g.sequence(n), n)
		first(still, g.sequence(n), n)
	}
	for n, rest := range g.rest {
		if rest {
			first(still, g.sequence(n), n)
		}
	}
	return still, stuck
}

// first keeps the world of the fewest steps.
func first(worlds map[int32]int, s int32, n int) {
	if known, is := worlds[s]; !is || n < known {
		worlds[s] = n
	}
}
