package explore

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
)

// The five participants, by their place in a world.
const (
	ofOrder = iota
	ofInventory
	ofPayment
	ofShipping
	ofEmail
	services
)

// started is the time of everything: no reaction looks at it but to note it.
// Each is run at another time too, and a difference is a violation.
var (
	started = time.Unix(0, 0).UTC()
	later   = started.Add(36 * time.Hour)
)

// noted are the times in a text; those that a state had before are all alike.
var noted = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+Z"`)

func timeless(v any) string { return noted.ReplaceAllString(text(v), `"when"`) }

// interned numbers values by their text, so that worlds are made of numbers.
// Number 0 is the zero value.
type interned[T any] struct {
	ids    map[string]int32
	values []T
	same   func(T) T // equal for values that are taken for one; nil: each is its own
}

func newInterned[T any](same func(T) T) *interned[T] {
	var zero T
	i := &interned[T]{ids: map[string]int32{}, same: same}
	i.id(zero)
	return i
}

func (i *interned[T]) text(v T) string {
	if i.same != nil {
		v = i.same(v)
	}
	return text(v)
}

// timeless is a value's text without the times in it.
func (i *interned[T]) timeless(v T) string {
	if i.same != nil {
		v = i.same(v)
	}
	return timeless(v)
}

func (i *interned[T]) id(v T) int32 {
	key := i.text(v)
	n, known := i.ids[key]
	if !known {
		n = int32(len(i.values))
		i.ids[key] = n
		i.values = append(i.values, v)
	}
	return n
}

// text is a value as JSON, in which equal values are equal.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v", v) // no plain data; still a text of it
	}
	return string(b)
}

// levels are the stock by SKU, which inventory's states share.
type levels map[string]inventory.Level

// machine is a participant whose states are numbers.
type machine struct {
	service string
	names   map[string]bool // the events that its table names
	reads   []int           // whose topics it reads
	react   func(state int32, stock levels, in input) reacted
}

type reacted struct {
	next   int32
	stock  levels
	out    flow.Outputs
	err    error
	shared string // a key that other orders would ask under, too
}

// input is what a participant reacts to. Its id carries its whole descent, as
// the kit's derived ids do: equal ids come of equal inputs.
type input struct {
	id    string
	cause string // type of the event that what follows is caused by; empty after a request
	body  any
}

// store is how a participant's states are kept: whatever its Store does beyond
// keeping one state per key.
type store[S any] struct {
	lend   func(S, levels) S
	absorb func(before, after S) (S, levels)
	twin   func(S) S // another state that is taken for the same one
}

func newMachine[S any](p flow.Participant[S], states *interned[S], kept store[S]) *machine {
	m := &machine{service: p.Service, names: map[string]bool{}}
	for _, r := range p.Rows() {
		if r.Kind == flow.KindEvent {
			m.names[r.Input] = true
		}
	}
	for _, topic := range p.Topics() {
		for owner, name := range serviceNames {
			if flow.Topic(name) == topic {
				m.reads = append(m.reads, owner)
			}
		}
	}
	m.react = func(state int32, stock levels, in input) reacted {
		before := states.values[state]
		if kept.lend != nil {
			before = kept.lend(before, stock)
		}
		given := text(before)
		next, out, err := p.React(before, in.id, started, in.body)
		if err != nil {
			return reacted{next: state, stock: stock, err: err}
		}
		twin := before
		if kept.twin != nil {
			twin = kept.twin(before)
		}
		again, outAgain, _ := p.React(twin, in.id, later, in.body)
		switch {
		case text(before) != given:
			err = fmt.Errorf("reaction of %s to %T changed the state that it was given", p.Service, in.body)
		case states.timeless(next) != states.timeless(again) || timeless(out) != timeless(outAgain):
			err = fmt.Errorf("reaction of %s to %T gives two results for one state, or for two times", p.Service, in.body)
		}
		if kept.absorb != nil {
			next, stock = kept.absorb(before, next)
		}
		_, elsewhere, _ := p.React(twin, in.id+" of another order", started, in.body)
		return reacted{next: states.id(next), stock: stock, out: out, err: err, shared: shared(given, out, elsewhere)}
	}
	return m
}

// shared is a key that a reaction made and would have made of another input as
// well, so that orders meet where nobody looks: at a far side that does under one
// key what it is asked for once. A key that was kept was made before.
func shared(kept string, here, elsewhere flow.Outputs) string {
	for i, effect := range here.Effects {
		key := keyOf(effect)
		if key != "" && !strings.Contains(kept, text(key)) && i < len(elsewhere.Effects) && keyOf(elsewhere.Effects[i]) == key {
			return fmt.Sprintf("shared: %s goes out under the key %q, whatever the order", label(effect), key)
		}
	}
	return ""
}

var serviceNames = [services]string{"order", "inventory", "payment", "shipping", "email"}

// lendLevels and absorbLevels do what inventory's store does: the levels go to
// one reaction at a time, and a reservation is written when its status changed.
func lendLevels(r inventory.Reservation, stock levels) inventory.Reservation {
	r.Levels = maps.Clone(stock)
	return r
}

func absorbLevels(before, after inventory.Reservation) (inventory.Reservation, levels) {
	stock := after.Levels
	if after.Status == before.Status {
		after = before
	}
	after.Levels = nil
	return after, stock
}

// sorted and turned are about what an order's customer is shown, which grows by
// what happens and is read by no reaction: two orders that differ only in the
// sequence of it are taken for one. Each reaction is run on both, and an
// exploration fails where that makes a difference.
func sorted(o order.Order) order.Order {
	o.Progress = slices.Clone(o.Progress)
	slices.SortStableFunc(o.Progress, func(a, b order.Step) int { return strings.Compare(a.Event+string(a.Why), b.Event+string(b.Why)) })
	return o
}

func turned(o order.Order) order.Order {
	o.Progress = slices.Clone(o.Progress)
	slices.Reverse(o.Progress)
	return o
}
