package explore

import (
	"math/bits"
	"slices"
)

// step is a step that a world may take.
type step struct {
	slot int    // the place of the number that it changes in the world; -1: the stock only
	to   uint32 // the new number
	// stock is the levels after it; -1: unchanged.
	stock    int32
	optional bool
	move     *move // nil: a delivery, or waiting for ever
}

// successors are the steps of a world. The next call reuses the slice.
func (m *model) successors(v []uint32) []step {
	m.steps = m.steps[:0]
	stock := int32(v[len(v)-1])
	for at := 0; at+services <= len(v)-1; at += services {
		for s := range services {
			if s == ofEmail && !m.scope.May.has(Mails) {
				continue
			}
			c := int32(v[at+s])
			m.offer(at+s, m.innerMoves(s, c))
			if l := &m.parts[s].values[c]; l.breach == 0 {
				m.reading(v[at:at+services], at, s, c, stock)
			}
		}
	}
	if after, possible := m.deliver(stock); possible {
		m.steps = append(m.steps, step{slot: -1, stock: after, optional: true})
	}
	return m.steps
}

func (m *model) offer(slot int, moves []move) {
	for i := range moves {
		mv := &moves[i]
		m.steps = append(m.steps, step{slot, uint32(mv.to), mv.stock, mv.optional, mv})
	}
}

// reading offers the records that a service may handle: the next one of each owner.
func (m *model) reading(v []uint32, at, s int, c, stock int32) {
	if s != ofInventory || m.scope.open {
		stock = 0 // no other service reads it
	}
	for _, owner := range m.machines[s].reads {
		if owner == s {
			continue
		}
		t := m.topics.values[m.parts[owner].values[v[owner]].topic]
		taken := m.parts[s].values[c].taken[owner]
		named := t.named[s]
		next := bits.TrailingZeros8(^taken)
		for i := next; i < len(named); i++ {
			if taken&(1<<i) != 0 {
				continue
			}
			if s == ofInventory && m.lawless(stock) {
				m.steps = append(m.steps, step{slot: at + s, to: uint32(c), stock: -1}) // it waits for ever
				break
			}
			m.offer(at+s, m.take(s, c, owner, i, t, stock, false))
			if m.sys.Kit.Lanes {
				break
			}
		}
		if m.scope.May.has(Duplicates) && !m.sys.Kit.Inbox && !(s == ofInventory && m.lawless(stock)) && m.parts[s].values[c].again < broken {
			for i := range named {
				if taken&(1<<i) != 0 {
					m.offer(at+s, m.take(s, c, owner, i, t, stock, true))
				}
			}
		}
	}
}

// absorbed is the number of possible second deliveries in a world: in each the inbox
// finds the record's id, and nothing happens.
func (m *model) absorbed(v []uint32) int {
	n := 0
	for at := 0; at+services <= len(v)-1; at += services {
		for s := range services {
			for _, taken := range m.parts[s].values[v[at+s]].taken {
				n += bits.OnesCount8(taken)
			}
		}
	}
	return n
}

// take returns the moves of a service that gets the i-th record of an owner.
func (m *model) take(s int, c int32, owner, i int, t *topic, stock int32, again bool) []move {
	p := m.parts[s]
	number := t.numbers[t.named[s][i]]<<3 | int32(i)
	known := m.sys.Kit.Inbox && m.takenBefore(s, &p.values[c], owner, i, t)
	if known {
		number = -number - 1
	}
	for k := range p.takes[c] {
		if x := &p.takes[c][k]; x.record == number && x.stock == stock && x.again == again {
			return x.moves
		}
	}
	var moves []move
	r := t.records[t.named[s][i]]
	name := serviceNames[s] + "<" + short(r.Event.EventType())
	words := told{what: "takes " + short(r.Event.EventType()), with: serviceNames[owner], said: short(r.Event.EventType())}
	l := p.values[c]
	switch {
	case known:
		l.taken[owner] |= 1 << i
		words.what += " a second time, and knows it"
		moves = []move{m.bare(s, l, name, words)}
	case again:
		l.again++
		words.what += " a second time"
		moves = m.reacting(s, l, r, stock, serviceNames[s]+"<<"+short(r.Event.EventType()), words)
		for k := range moves {
			moves[k].optional = true
		}
	default:
		moves = m.taken(s, l, owner, i, r, stock, name, words)
	}
	if s != ofInventory || !m.scope.open { // there the levels distinguish moves of one name
		moves = distinct(moves)
	}
	p.takes[c] = append(p.takes[c], taking{number, stock, again, moves})
	return moves
}

func (m *model) taken(s int, l local, owner, i int, r record, stock int32, name string, words told) []move {
	bit := uint8(1) << i
	if i >= 8 {
		return nil // no owner gets there: it has a breach before
	}
	var moves []move
	for _, mv := range m.reacting(s, l, r, stock, name, words) {
		after := m.parts[s].values[mv.to]
		if !isTorn(mv) {
			after.taken[owner] |= bit
		}
		mv.to = m.parts[s].id(after)
		moves = append(moves, mv)
	}
	if !m.sys.Kit.Positions && l.again < broken {
		skipped := l
		skipped.again++
		skipped.taken[owner] |= bit
		moves = append(moves, m.bare(s, skipped, name+"!skipped", told{what: "marks " + short(r.Event.EventType()) + " as taken, and its process ends before the commit"}))
	}
	return moves
}

// isTorn: the input of such a move was not marked, and is delivered again.
func isTorn(mv move) bool { return len(mv.name) > 5 && mv.name[len(mv.name)-5:] == "!torn" }

func (m *model) reacting(s int, l local, r record, stock int32, name string, words told) []move {
	in := input{id: r.ID, cause: r.Event.EventType(), body: r.Event}
	if s == ofInventory && m.scope.open {
		return m.trading(l, in, name, words)
	}
	var moves []move
	for _, res := range m.feed(s, l, in, m.levels.values[stock]) {
		mv := m.moved(s, res, name, words)
		if s == ofInventory {
			mv.stock = m.levels.id(res.stock)
		}
		moves = append(moves, mv)
	}
	return moves
}

func (m *model) takenBefore(s int, l *local, owner, i int, t *topic) bool {
	id := t.records[t.named[s][i]].ID
	return slices.ContainsFunc(t.named[s][:i], func(at int32) bool {
		j := slices.Index(t.named[s], at)
		return l.taken[owner]&(1<<j) != 0 && t.records[at].ID == id
	})
}

// lawless reports whether the stock's levels break its law. The consequences are of no
// interest: inventory handles no further record.
func (m *model) lawless(stock int32) bool {
	for int(stock) >= len(m.law) {
		stock := m.levels.values[len(m.law)]
		m.law = append(m.law, shelfLaw(stock) == "" && m.misdelivered(stock) == "")
	}
	return !m.law[stock]
}
