package explore

import (
	"slices"

	"github.com/quintet-eda/quintet/services/inventory"
)

// operation is one stock operation of an order. It maps each of the levels at which it
// goes this way to the levels after it. At others it goes another way, or is not
// considered here.
type operation map[string]string // levels as text

// trade numbers the sequences of stock operations of one order.
type trade struct {
	operations *interned[operation]
	sequences  []sequence
	longer     map[[2]int32]int32
}

// sequence is a shorter one and one more operation. Number 0 is the empty one.
type sequence struct{ before, operation int32 }

func newTrade() *trade {
	return &trade{operations: newInterned[operation](nil), sequences: []sequence{{-1, -1}}, longer: map[[2]int32]int32{}}
}

func (t *trade) add(before, op int32) int32 {
	key := [2]int32{before, op}
	n, known := t.longer[key]
	if !known {
		n = int32(len(t.sequences))
		t.sequences = append(t.sequences, sequence{before, op})
		t.longer[key] = n
	}
	return n
}

// shelves are all levels that the stock of a scope can have without breaking its law.
// They are all the answers that an environment can give: a step of a broken system
// beyond the law is found where it first happens.
func (s Scope) shelves() []levels {
	var all []levels
	for reserved := range s.Stock + 1 {
		for shipped := range s.Stock + 1 - reserved {
			all = append(all, levels{sku: inventory.Level{OnHand: s.Stock - reserved - shipped, Reserved: reserved, Shipped: shipped, Received: s.Stock}})
		}
	}
	return all
}

// trading gives an input to inventory at every lawful level. The moves differ in
// inventory's response. The levels before and after a move are the operation that the
// order's sequence grows by. A move that depends on no level and changes none is no
// operation.
func (m *model) trading(l local, in input, name string, words told) []move {
	type way struct {
		r  result
		op operation
	}
	var ways []*way
	shelves := m.scope.shelves()
	for _, shelf := range shelves {
		for _, r := range m.feed(ofInventory, l, in, shelf) {
			i := slices.IndexFunc(ways, func(w *way) bool {
				return w.r.after == r.after && w.r.suffix == r.suffix && slices.Equal(w.r.told.emits, r.told.emits)
			})
			if i < 0 {
				i = len(ways)
				ways = append(ways, &way{r, operation{}})
			}
			ways[i].op[text(shelf)] = text(r.stock)
		}
	}
	var moves []move
	for _, w := range ways {
		if !w.op.idle(len(shelves)) {
			w.r.after.stock = m.trade.add(l.stock, m.trade.operations.id(w.op))
		}
		moves = append(moves, m.moved(ofInventory, w.r, name, words))
	}
	return moves
}

func (o operation) idle(all int) bool {
	for before, after := range o {
		if before != after {
			return false
		}
	}
	return len(o) == all
}
