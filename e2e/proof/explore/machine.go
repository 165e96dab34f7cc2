package explore

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
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

// started is the time of everything: a reaction only records it. Each reaction runs at
// another time too, and a difference is a violation.
var (
	started = time.Unix(0, 0).UTC()
	later   = started.AddDate(60, 0, 0)
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
	reads   []int           // the owners of the topics that it reads
	react   func(state int32, stock levels, in input) reacted
}

type reacted struct {
	next   int32
	stock  levels
	out    flow.Outputs
	err    error
	shared string // a name that other orders would get, too
	shown  string // an untruth that people are shown
}

// input is what a participant reacts to. Its id carries its whole descent, as
// the kit's derived ids do: equal ids come of equal inputs.
type input struct {
	id    string
	cause string // type of the event that what follows is caused by; empty after a request
	body  any
}

// store describes a participant's Store: its behaviour beyond one state per key.
type store[S any] struct {
	lend   func(S, levels) S
	absorb func(before, after S) (S, levels)
	twin   func(S) S // another state that is taken for the same one
	names  func(S) []string
	shown  func(before, after S, in input, out flow.Outputs, at time.Time) string
}

func newMachine[S any](p flow.Participant[S], altered *Alteration, states *interned[S], kept store[S]) *machine {
	react := reacting(p, altered)
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
		twin := before
		if kept.twin != nil {
			twin = kept.twin(before)
		}
		next, out, err := react(before, in.id, started, in.body)
		again, outAgain, errAgain := react(twin, in.id, later, in.body)
		switch {
		case text(before) != given:
			err = fmt.Errorf("reaction of %s to %T changed the state that it was given", p.Service, in.body)
		case fmt.Sprint(err) != fmt.Sprint(errAgain) || err == nil && (states.timeless(next) != states.timeless(again) || timeless(out) != timeless(outAgain)):
			err = fmt.Errorf("reaction of %s to %T gives two results for one state, or for two times", p.Service, in.body)
		}
		if err == nil {
			err = stored(out)
		}
		if err != nil {
			return reacted{next: state, stock: stock, out: out, err: err}
		}
		r := reacted{out: out}
		if kept.shown != nil {
			r.shown = cmp.Or(kept.shown(before, next, in, out, started), kept.shown(twin, again, in, outAgain, later))
		}
		if kept.names != nil {
			elsewhere, _, _ := react(twin, in.id+" of another order", started, in.body)
			r.shared = shared(kept.names(before), kept.names(next), kept.names(elsewhere))
		}
		if kept.absorb != nil {
			next, stock = kept.absorb(before, next)
		}
		r.next, r.stock = states.id(next), stock
		return r
	}
	return m
}

// stored compares calls and timers with their stored form. The kit stores them as JSON
// before they are made or fire, and a field that JSON leaves out is lost by then.
func stored(out flow.Outputs) error {
	bodies := slices.Clone(out.Calls)
	for _, t := range out.Timers {
		bodies = append(bodies, t.Timer)
	}
	for _, body := range bodies {
		kept := reflect.New(reflect.TypeOf(body))
		if err := json.Unmarshal([]byte(text(body)), kept.Interface()); err != nil {
			return fmt.Errorf("%s cannot be read as it is stored: %w", nameOf(body), err)
		}
		if !reflect.DeepEqual(kept.Elem().Interface(), body) {
			return fmt.Errorf("%s is stored as %s, which is not all of it", nameOf(body), text(body))
		}
	}
	return nil
}

// shared is a name that a reaction gives, and gives at another input as well. Under one
// name two orders would meet unseen at a far side, which acts once per key. Calls go
// out under the names in the state; another property checks that.
func shared(before, here, elsewhere []string) string {
	for i, name := range here {
		if !slices.Contains(before, name) && i < len(elsewhere) && elsewhere[i] == name {
			return fmt.Sprintf("shared: something is called %q, whatever the order", name)
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

// sorted and turned reorder the progress of an order, which grows by events. No
// reaction reads it, so two orders that differ only in its sequence count as one. Each
// reaction runs on both, and an exploration fails where that makes a difference.
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
