package explore

import (
	"iter"
	"math/bits"
	"slices"
)

// rounds is a graph without the steps of certain marks, folded: worlds that differ only
// in the ids of open work are one place. The number of places is finite. So an endless
// schedule without such steps repeats a place. Where no cycle exists, the longest path
// is known.
//
// The ids must not count. Otherwise a service that asks for the same call again and
// again would never return to a place: each call's id is made of the previous one. A
// reaction uses an id only to make another one. So a step that was taken once from such
// a place can be taken again.
type rounds struct {
	g       *graph
	without uint32   // marks
	place   []uint32 // of each world, the first world of its place; nil: each world is a place
	next    []uint32 // the next world of the same place; 0: none
	// entries is the number of steps to a place from places that are not done. A place is
	// done when every path to it has been measured.
	entries []uint32
	longest []uint16 // steps of the longest path to a place, wherever it begins
	left    []uint32 // places that are never done, first worlds first
}

func newRounds(g *graph, without uint32) *rounds {
	r := &rounds{g: g, without: without, entries: make([]uint32, g.len()), longest: make([]uint16, g.len())}
	r.fold()
	for n := range uint32(g.len()) {
		for to := range r.world(n) {
			r.entries[to]++
		}
	}
	r.unwind()
	return r
}

// world are the places to which the steps of one world lead.
func (r *rounds) world(n uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, to := range r.g.leads(n) {
			if to&r.without == 0 && !yield(r.at(to&^marks)) {
				return
			}
		}
	}
}

// at is the place of a world.
func (r *rounds) at(n uint32) uint32 {
	if r.place == nil {
		return n
	}
	return r.place[n]
}

// worlds are the worlds of a place.
func (r *rounds) worlds(place uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for n := place; yield(n) && r.next != nil && r.next[n] != 0; {
			n = r.next[n]
		}
	}
}

// fold finds the worlds that differ only in the ids of open work.
func (r *rounds) fold() {
	alike := r.g.m.anonymous()
	if alike == nil {
		return
	}
	size := 1 << bits.Len(uint(2*r.g.len()))
	slots := make([]uint32, size) // hash table of places, each plus one
	r.place, r.next = make([]uint32, r.g.len()), make([]uint32, r.g.len())
	v, w := make([]uint32, r.g.width), make([]uint32, r.g.width)
	for n := range uint32(r.g.len()) {
		if r.place[n] = n; !alike.twins(r.g.world(int(n))) {
			continue
		}
		alike.rename(v, r.g.world(int(n)))
		at := hash(v) & uint64(size-1)
		for ; slots[at] != 0; at = (at + 1) & uint64(size-1) {
			if alike.rename(w, r.g.world(int(slots[at]-1))); slices.Equal(v, w) {
				break
			}
		}
		if slots[at] == 0 {
			slots[at] = n + 1
			continue
		}
		place := slots[at] - 1
		r.place[n], r.next[n], r.next[place] = place, r.next[place], n
	}
}

// unwind removes, one after the other, the places to which no step leads any more. The
// remaining places lie on a cycle, or come after one.
func (r *rounds) unwind() {
	var done []uint32
	for n := range uint32(r.g.len()) {
		if r.at(n) == n && r.entries[n] == 0 {
			done = append(done, n)
		}
	}
	for i := 0; i < len(done); i++ {
		for n := range r.worlds(done[i]) {
			for to := range r.world(n) {
				r.longest[to] = max(r.longest[to], r.longest[done[i]]+1)
				if r.entries[to]--; r.entries[to] == 0 {
					done = append(done, to)
				}
			}
		}
	}
	for n := range uint32(r.g.len()) {
		if r.at(n) == n && r.entries[n] > 0 {
			r.left = append(r.left, n)
		}
	}
	r.trim()
}

// trim removes the places that come after a cycle, and lead to none.
func (r *rounds) trim() {
	goesOn := func(place uint32) bool {
		for n := range r.worlds(place) {
			for to := range r.world(n) {
				if r.entries[to] > 0 {
					return true
				}
			}
		}
		return false
	}
	for before := -1; before != len(r.left); {
		before = len(r.left)
		for _, place := range slices.Backward(r.left) {
			if !goesOn(place) {
				r.entries[place] = 0
			}
		}
		r.left = slices.DeleteFunc(r.left, func(place uint32) bool { return r.entries[place] == 0 })
	}
}

// anonymous has, by service, for each local state the first one that differs only in
// the ids of open work. It also records whether another such state exists.
type anonymous struct {
	first [services][]uint32
	twin  [services][]bool
}

// anonymous numbers a model's local states without the ids of open work; nil if no two
// of them become alike.
func (m *model) anonymous() *anonymous {
	var all anonymous
	alike := false
	for s, p := range m.parts {
		first := map[local]uint32{}
		for n, l := range p.values {
			l.calls, l.flying = m.withoutIDs(m.calls, l.calls), m.withoutIDs(m.flying, l.flying)
			timers := slices.Clone(m.timers.values[l.timers])
			for i := range timers {
				timers[i].ID = ""
			}
			l.timers = m.timers.id(timers)
			known, is := first[l]
			if !is {
				known = uint32(n)
				first[l] = known
			}
			alike = alike || is
			all.first[s] = append(all.first[s], known)
			all.twin[s] = append(all.twin[s], is)
			all.twin[s][known] = all.twin[s][known] || is
		}
	}
	if !alike {
		return nil
	}
	return &all
}

func (m *model) withoutIDs(calls *interned[[]call], n int32) int32 {
	cs := slices.Clone(calls.values[n])
	for i := range cs {
		cs[i].ID = nameOf(cs[i].Effect) // two kinds of call may have the same fields
	}
	return calls.id(cs)
}

// rename writes a world with the numbers that its parts have without ids.
func (a *anonymous) rename(to, v []uint32) {
	copy(to, v)
	for i := range v[:len(v)-1] {
		to[i] = a.first[i%services][v[i]]
	}
}

// twins reports whether another world may be alike.
func (a *anonymous) twins(v []uint32) bool {
	for i, c := range v[:len(v)-1] {
		if a.twin[i%services][c] {
			return true
		}
	}
	return false
}
