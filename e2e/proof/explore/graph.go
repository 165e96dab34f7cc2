package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// graph is every world that was reached, in the order of the fewest steps that
// lead to it, and every step between them.
type graph struct {
	m      *model
	width  int
	worlds []uint32 // width numbers each
	slots  []uint32 // hash table of world numbers, each plus one
	parent []uint32
	first  []uint32 // where a world's steps begin in to
	to     []uint32 // each with the marks of its step
	rest   []bool   // nothing is open
	stuck  []int    // worlds with open work and no step that comes by itself; none that is cut
	steps  int      // also those that lead back to their own world
	copies int      // deliveries that the inbox absorbs
}

func newGraph(m *model) *graph { return newGraphFrom(m, m.initial()) }

func newGraphFrom(m *model, v []uint32) *graph {
	g := &graph{m: m, width: len(v), slots: make([]uint32, 1<<10)}
	g.add(v, 0)
	return g
}

func (g *graph) len() int { return len(g.parent) }

func (g *graph) world(n int) []uint32 { return g.worlds[n*g.width : (n+1)*g.width] }

func hash(v []uint32) uint64 {
	h := uint64(14695981039346656037)
	for _, x := range v {
		h = (h ^ uint64(x)) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h
}

// add finds a world's number, and numbers it when it is new.
func (g *graph) add(v []uint32, parent uint32) uint32 {
	mask := uint64(len(g.slots) - 1)
	at := hash(v) & mask
	for ; g.slots[at] != 0; at = (at + 1) & mask {
		if n := g.slots[at] - 1; slices.Equal(g.world(int(n)), v) {
			return n
		}
	}
	n := uint32(len(g.parent))
	g.slots[at] = n + 1
	g.worlds = append(g.worlds, v...)
	g.parent = append(g.parent, parent)
	if 2*len(g.parent) > len(g.slots) {
		g.grow()
	}
	return n
}

func (g *graph) grow() {
	g.slots = make([]uint32, 2*len(g.slots))
	mask := uint64(len(g.slots) - 1)
	for n := range g.parent {
		at := hash(g.world(n)) & mask
		for g.slots[at] != 0 {
			at = (at + 1) & mask
		}
		g.slots[at] = uint32(n) + 1
	}
}

// mostStates is the number of states that fits into 4 GB.
const mostStates = 30_000_000

// ErrTooLarge is returned when a scope has more states than are visited one by
// one.
var ErrTooLarge = errors.New("scope is too large")

// explore visits every world, those of fewer steps first, and hands each to
// visit, which may end the exploration by returning false.
func (g *graph) explore(ctx context.Context, visit func(n int, v []uint32, steps []step) bool) error {
	next := make([]uint32, g.width)
	v := make([]uint32, g.width)
	for n := 0; n < g.len(); n++ {
		if g.len() > mostStates {
			return fmt.Errorf("explore %s: %d states, and there are more: %w", g.m.scope.Name, g.len(), ErrTooLarge)
		}
		if n&0xffff == 0 && ctx.Err() != nil {
			return fmt.Errorf("explore %s: stopped after %d states: %w", g.m.scope.Name, g.len(), ctx.Err())
		}
		copy(v, g.world(n)) // the slice may move when worlds are added
		steps := g.m.successors(v)
		g.first = append(g.first, uint32(len(g.to)))
		g.steps += len(steps)
		if g.m.scope.May.has(Duplicates) && g.m.sys.Kit.Inbox {
			g.copies += g.m.absorbed(v)
		}
		for _, s := range steps {
			copy(next, v)
			s.apply(next)
			// A lane that waits for ever is no step.
			if to := g.add(next, uint32(n)); to != uint32(n) || s.move != nil {
				g.to = append(g.to, to|s.marks())
			}
		}
		g.rest = append(g.rest, g.m.atRest(v, steps))
		if !g.rest[n] && !goesOn(v, steps) && !g.m.cut(v) {
			g.stuck = append(g.stuck, n)
		}
		if !visit(n, v, steps) {
			break
		}
	}
	g.first = append(g.first, uint32(len(g.to)))
	return nil
}

// visited is the number of worlds that were visited. The worlds after them are
// numbered, and their steps are not explored.
func (g *graph) visited() int { return len(g.rest) }

// leads are the worlds that a world's steps lead to, with the steps' marks.
func (g *graph) leads(n uint32) []uint32 {
	if int(n) >= g.visited() {
		return nil
	}
	return g.to[g.first[n]:g.first[n+1]]
}

func (s step) apply(v []uint32) {
	if s.slot >= 0 {
		v[s.slot] = s.to
	}
	if s.stock >= 0 {
		v[len(v)-1] = uint32(s.stock)
	}
}

// atRest reports whether nothing is open in a world: no record to handle, no call or
// timer, nothing in flight. Optional steps, such as a cancellation, do not count.
func (m *model) atRest(v []uint32, steps []step) bool {
	for _, s := range steps {
		if !s.optional {
			return false
		}
	}
	for at := 0; at+services <= len(v)-1; at += services {
		if !m.quiet(v[at : at+services]) {
			return false
		}
	}
	return true
}

// quiet reports whether no service waits for anything of an order. A running timer and
// an attempt in flight are steps to come, so the steps show that a world with one is
// not at rest. An open call may have no step that ends it, so quiet looks for open
// calls.
func (m *model) quiet(order []uint32) bool {
	for s, c := range order {
		l := &m.parts[s].values[c]
		if l.breach != 0 || s == ofOrder && !l.placed || len(m.calls.values[l.calls]) > 0 {
			return false
		}
	}
	return true
}

// backward gives every world the bits of all ends that can be reached from it.
// A world without any is a trap.
func (g *graph) backward(reach []uint64) {
	for changed := true; changed; {
		changed = false
		// Steps lead to worlds of higher numbers, mostly, so that one sweep
		// from the last to the first settles nearly all.
		for n := g.len() - 1; n >= 0; n-- {
			mark := reach[n]
			for _, to := range g.leads(uint32(n)) {
				mark |= reach[to&^marks]
			}
			if mark != reach[n] {
				reach[n], changed = mark, true
			}
		}
	}
}

// schedule is the shortest way to a world, as the names of its steps.
func (g *graph) schedule(n int) []string {
	var names []string
	for n != 0 {
		before := int(g.parent[n])
		names = append(names, g.stepName(before, n))
		n = before
	}
	slices.Reverse(names)
	return names
}

func (g *graph) stepName(from, to int) string { return g.stepWithout(0, from, to) }

// stepWithout is the name of a step between two worlds that has none of the
// marks.
func (g *graph) stepWithout(without uint32, from, to int) string {
	v := slices.Clone(g.world(from))
	next := make([]uint32, g.width)
	for _, s := range g.m.successors(v) {
		copy(next, v)
		s.apply(next)
		if s.marks()&without == 0 && slices.Equal(next, g.world(to)) {
			return g.m.stepName(s)
		}
	}
	return "?"
}

// stepName is a step's name in a schedule. With two orders, it follows the order's
// number.
func (m *model) stepName(s step) string {
	switch {
	case s.slot < 0:
		return "deliver"
	case s.move == nil:
		return "wait" // inventory does, as the stock is beyond its law
	case m.scope.Orders == 1:
		return s.move.name
	}
	return fmt.Sprintf("%d.%s", s.slot/services+1, s.move.name)
}
