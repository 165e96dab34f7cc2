package explore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// composed explores two orders. It explores one order against every answer of the
// stock, and the stock against every pair of stock operations of the orders. The
// package's documentation shows why the result is the same.
func composed(ctx context.Context, sys System, scope Scope) (*Result, error) {
	if scope.Orders != 2 || scope.May.has(Delivery) {
		return nil, fmt.Errorf("explore %s: a composition is of two orders and a stock without deliveries", scope.Name)
	}
	one, err := alone(ctx, sys, scope)
	if err != nil {
		return nil, err
	}
	p := newPairs(one, scope)
	r := &Result{Scope: scope, Steps: one.g.steps, Copies: one.g.copies}
	kinds := map[string]int{}
	for _, n := range p.nodes {
		r.States += one.sequences[n.first].states * one.sequences[n.second].states
		for a, x := range one.sequences[n.first].kinds {
			for b, y := range one.sequences[n.second].kinds {
				kinds[pairName(a, b)] += x * y
			}
		}
	}
	properties := Properties()
	found := make([]*Violation, len(properties), len(properties)+2)
	for i, property := range properties {
		found[i] = p.violation(i, property, r.States)
	}
	endless, longest := p.endless(r.States)
	found = append(found, p.trap(r.States), endless)
	r.conclude(found, false, p.anyCut(), longest, kinds)
	return r, nil
}

func pairName(a, b string) string {
	if b < a {
		a, b = b, a
	}
	return a + " + " + b
}

// oneOrder is an order explored against every answer of the stock.
type oneOrder struct {
	g         *graph
	depth     []uint16
	sequences []sequenceFacts // by number
	ends      []int32         // sequences that an end can have; a mark's bit is its place here
	classes   map[class]int   // the first state of each
}

// sequenceFacts are the facts about the states in which an order has done one sequence
// of stock operations.
type sequenceFacts struct {
	states    int
	first     int            // the state of the fewest steps
	wrong     map[int]int    // by property, the first state that violates it
	kinds     map[string]int // of ends
	completed map[bool]int   // the first end with the order completed, or not
	cut       bool           // some state is not followed further
}

// class is the states with one sequence of stock operations, and one set of end
// sequences that they can reach.
type class struct {
	sequence int32
	ends     uint64
}

// endsCut is the bit among a state's ends for a state that can reach a cut.
const endsCut = 1 << 63

func alone(ctx context.Context, sys System, scope Scope) (*oneOrder, error) {
	scope.Orders, scope.Composed, scope.open = 1, false, true
	m := newModel(sys, scope)
	one := &oneOrder{g: newGraph(m), classes: map[class]int{}}
	properties := Properties()
	views := make([]View, 1)
	err := one.g.explore(ctx, func(n int, v []uint32, steps []step) bool {
		if one.depth = append(one.depth, 0); n > 0 {
			one.depth[n] = one.depth[one.g.parent[n]] + 1
		}
		f := one.facts(n, m.parts[ofInventory].values[v[ofInventory]].stock)
		f.cut = f.cut || m.cut(v)
		for i, what := range m.check(properties, views, v, steps, one.g.rest[n]) {
			if _, known := f.wrong[i]; what != "" && !known {
				f.wrong[i] = n
			}
		}
		if one.g.rest[n] {
			f.kinds[kindOf(views)]++
			if _, known := f.completed[completed(&views[0])]; !known {
				f.completed[completed(&views[0])] = n
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return one, one.classify()
}

func (one *oneOrder) facts(n int, sequence int32) *sequenceFacts {
	for int(sequence) >= len(one.sequences) {
		one.sequences = append(one.sequences, sequenceFacts{wrong: map[int]int{}, kinds: map[string]int{}, completed: map[bool]int{}})
	}
	f := &one.sequences[sequence]
	if f.states == 0 {
		f.first = n
	}
	f.states++
	return f
}

// classify finds, for every state, the sequences of stock operations of the ends that
// it can reach.
func (one *oneOrder) classify() error {
	marks := make([]uint64, one.g.len())
	for n, rest := range one.g.rest {
		if one.g.m.cut(one.g.world(n)) {
			marks[n] = endsCut
		}
		if !rest {
			continue
		}
		s := one.g.sequence(n)
		i := slices.Index(one.ends, s)
		if i < 0 {
			i = len(one.ends)
			one.ends = append(one.ends, s)
		}
		if i >= 63 {
			return errors.New("an order ends with more than 63 sequences of stock operations")
		}
		marks[n] = 1 << i
	}
	one.g.backward(marks)
	for n, mark := range marks {
		c := class{one.g.sequence(n), mark}
		if _, known := one.classes[c]; !known {
			one.classes[c] = n
		}
	}
	return nil
}

// node is the stock operations of two orders, and the stock after them.
type node struct {
	first, second int32 // sequences
	stock         string
}

// pairs are all ways in which the stock operations of two orders can be
// interleaved.
type pairs struct {
	one    *oneOrder
	scope  Scope
	nodes  []node
	number map[node]int
	from   []int // the node before
	to     [][]int
}

func newPairs(one *oneOrder, scope Scope) *pairs {
	p := &pairs{one: one, scope: scope, number: map[node]int{}}
	p.add(node{stock: text(scope.shelves()[0])}, 0)
	t := one.g.m.trade
	for i := 0; i < len(p.nodes); i++ {
		n := p.nodes[i]
		for next, s := range t.sequences {
			if next >= len(one.sequences) || one.sequences[next].states == 0 || s.before < 0 {
				continue
			}
			after, possible := t.operations.values[s.operation][n.stock]
			if possible && s.before == n.first {
				p.link(i, node{int32(next), n.second, after})
			}
			if possible && s.before == n.second {
				p.link(i, node{n.first, int32(next), after})
			}
		}
	}
	return p
}

func (p *pairs) link(from int, n node) {
	to, known := p.number[n]
	if !known {
		to = p.add(n, from)
	}
	p.to[from] = append(p.to[from], to)
}

func (p *pairs) add(n node, from int) int {
	i := len(p.nodes)
	p.number[n] = i
	p.nodes, p.from, p.to = append(p.nodes, n), append(p.from, from), append(p.to, nil)
	return i
}

// levels are the stock of a node.
func (n node) levels() levels {
	var l levels
	if json.Unmarshal([]byte(n.stock), &l) != nil {
		return nil // it was written by text
	}
	return l
}
