package explore

import "slices"

// joint is a state of two orders together, made of a state of each.
type joint struct {
	node          int
	first, second int // states of one order
	what          string
}

// best keeps the joint state of the fewest steps. Every step is a step of one
// of the orders, so the fewest of both together are the fewest of each.
func (p *pairs) best(a *joint, b joint) *joint {
	if a == nil || p.steps(b) < p.steps(*a) {
		return &b
	}
	return a
}

func (p *pairs) steps(j joint) int { return int(p.one.depth[j.first]) + int(p.one.depth[j.second]) }

// violation finds two orders that together violate a property. A property of one order
// counts only if the other order can have left the stock such that the first gets the
// answers that it got.
func (p *pairs) violation(i int, property Property, states int) *Violation {
	var found *joint
	for at, n := range p.nodes {
		a, b := &p.one.sequences[n.first], &p.one.sequences[n.second]
		if bad, is := a.wrong[i]; is {
			found = p.best(found, joint{at, bad, b.first, ""})
		}
		if property.Shelf != nil {
			if what := property.Shelf(n.levels()); what != "" {
				found = p.best(found, joint{at, a.first, b.first, what})
			}
		}
		if property.ShelfAtRest == nil {
			continue
		}
		for x, endA := range a.completed {
			for y, endB := range b.completed {
				if what := property.ShelfAtRest(n.levels(), (count(x)+count(y))*p.one.g.m.scope.each()); what != "" {
					found = p.best(found, joint{at, endA, endB, what})
				}
			}
		}
	}
	if found == nil {
		return nil
	}
	if found.what == "" {
		found.what = p.wrong(i, found.first)
	}
	return &Violation{Property: property.Name, What: found.what, Schedule: p.schedule(*found), States: states}
}

func count(completed bool) int64 {
	if completed {
		return 1
	}
	return 0
}

// wrong returns the error in a state of one order once more.
func (p *pairs) wrong(i int, n int) string {
	v := p.one.g.world(n)
	m := p.one.g.m
	views := make([]View, 1)
	return m.check(Properties(), views, v, m.successors(v), p.one.g.rest[n])[i]
}

// trap finds two orders that can no longer both end: no two ends that they can reach by
// themselves can be reached together. Where one of them, or the shelf, can reach a cut,
// the answer is unknown.
func (p *pairs) trap(states int) *Violation {
	var found *joint
	byEnd := map[int32]int{}
	for i, s := range p.one.ends {
		byEnd[s] = i
	}
	for at, n := range p.nodes {
		reached := p.reached(at)
		if slices.ContainsFunc(reached, p.lawless) {
			continue
		}
		for a, first := range p.one.classes {
			for b, second := range p.one.classes {
				if a.sequence != n.first || b.sequence != n.second || (a.ends|b.ends)&endsCut != 0 {
					continue
				}
				if !slices.ContainsFunc(reached, func(end int) bool {
					x, isEnd := byEnd[p.nodes[end].first]
					y, too := byEnd[p.nodes[end].second]
					return isEnd && too && a.ends&(1<<x) != 0 && b.ends&(1<<y) != 0
				}) {
					found = p.best(found, joint{at, first, second, ""})
				}
			}
		}
	}
	if found == nil {
		return nil
	}
	v := slices.Concat(p.one.g.world(found.first)[:services], p.one.g.world(found.second))
	return &Violation{Property: NoTrap, What: p.one.g.m.open(v), Schedule: p.schedule(*found), States: states}
}

// lawless reports whether the shelf of a node is beyond its law.
func (p *pairs) lawless(at int) bool { return shelfLaw(p.nodes[at].levels()) != "" }

// anyCut reports whether two orders can reach a cut world.
func (p *pairs) anyCut() bool {
	for at, n := range p.nodes {
		if p.lawless(at) || p.one.sequences[n.first].cut || p.one.sequences[n.second].cut {
			return true
		}
	}
	return false
}

// reached are the nodes that can come after one, itself included.
func (p *pairs) reached(at int) []int {
	seen := []int{at}
	for i := 0; i < len(seen); i++ {
		for _, to := range p.to[seen[i]] {
			if !slices.Contains(seen, to) {
				seen = append(seen, to)
			}
		}
	}
	return seen
}

// schedule interleaves the two orders' ways such that their stock operations
// come in an order in which the stock gives the answers that they got.
func (p *pairs) schedule(j joint) Schedule {
	var turns []int // whose operation is next
	for at := j.node; at != 0; at = p.from[at] {
		turn := 0
		if p.nodes[at].second != p.nodes[p.from[at]].second {
			turn = 1
		}
		turns = append(turns, turn)
	}
	slices.Reverse(turns)
	ways := [2][][]string{p.way(j.first, "1."), p.way(j.second, "2.")}
	s := Schedule{Scope: p.scope.Name}
	for _, turn := range turns {
		s.Steps = append(s.Steps, ways[turn][0]...)
		ways[turn] = ways[turn][1:]
	}
	s.Steps = append(s.Steps, ways[0][0]...)
	s.Steps = append(s.Steps, ways[1][0]...)
	return s
}

// way is the shortest way to a state, cut after each stock operation.
func (p *pairs) way(n int, prefix string) [][]string {
	g := p.one.g
	var numbers []int
	for ; n != 0; n = int(g.parent[n]) {
		numbers = append(numbers, n)
	}
	slices.Reverse(numbers)
	cut := [][]string{nil}
	before := 0
	for _, n := range numbers {
		cut[len(cut)-1] = append(cut[len(cut)-1], prefix+g.stepName(before, n))
		if g.sequence(n) != g.sequence(before) {
			cut = append(cut, nil)
		}
		before = n
	}
	return cut
}
