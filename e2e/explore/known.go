package explore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Known are the histories with which an order can end.
type Known struct {
	histories map[string]history
}

// history is what each owner has told, in the order in which it did. Between
// owners there is no order.
type history [services][]Emitted

func historyOf(events []Emitted) (history, error) {
	var h history
	for _, e := range events {
		owner := slices.Index(serviceNames[:], e.Owner)
		if owner < 0 {
			return h, fmt.Errorf("%s is owned by %q, which is none of the five", e.Type, e.Owner)
		}
		h[owner] = append(h[owner], e)
	}
	return h, nil
}

func (h history) key() string { return fmt.Sprint(h) }

// Histories explores one order against every answer of the stock, also one that
// a foreign producer placed, and returns every history with which it can end.
//
// Email only listens: what it tells depends on the order service's topic alone,
// and nobody reads it. So it is explored afterwards, for each end that the
// other four can come to, and not together with them.
//
// That an attempt stays unanswered is left out, and so are crashes: the topics
// tell of either nothing that they do not tell of attempts that are spent. The
// histories with them are the same, and are compared where this is tested.
func Histories(ctx context.Context, sys System) (*Known, error) {
	return histories(ctx, sys, Ordinary&^Unanswered)
}

func histories(ctx context.Context, sys System, may Choice) (*Known, error) {
	k := &Known{histories: map[string]history{}}
	for _, foreign := range []bool{false, true} {
		scope := Scope{Name: "histories", Orders: 1, Stock: 1, May: may &^ (Mails | MailFails), Foreign: foreign, open: true}
		m := newModel(sys, scope)
		for _, reader := range m.machines {
			if slices.Contains(reader.reads, ofEmail) {
				return nil, fmt.Errorf("%s reads what email tells, so that email cannot be explored by itself", reader.service)
			}
		}
		g := newGraph(m)
		ends := map[[services]int32][]uint32{}
		err := g.explore(ctx, func(n int, v []uint32, _ []step) bool {
			if g.rest[n] {
				ends[m.told(v)] = slices.Clone(v)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		m.scope.May = may & (Mails | MailFails)
		if err := k.listen(ctx, m, ends); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// told are the numbers of an order's five topics.
func (m *model) told(v []uint32) [services]int32 {
	var topics [services]int32
	for s := range topics {
		topics[s] = m.parts[s].values[v[s]].topic
	}
	return topics
}

// listen lets email hear what the order service has told at each end.
func (k *Known) listen(ctx context.Context, m *model, ends map[[services]int32][]uint32) error {
	heard := map[int32][]int32{} // email's topics at rest, by order's
	for topics, v := range ends {
		if _, known := heard[topics[ofOrder]]; !known {
			g := newGraphFrom(m, v)
			err := g.explore(ctx, func(n int, v []uint32, _ []step) bool {
				if g.rest[n] {
					heard[topics[ofOrder]] = append(heard[topics[ofOrder]], m.told(v)[ofEmail])
				}
				return true
			})
			if err != nil {
				return err
			}
		}
		for _, mails := range heard[topics[ofOrder]] {
			topics[ofEmail] = mails
			k.add(m, topics)
		}
	}
	return nil
}

func (k *Known) add(m *model, topics [services]int32) {
	var h history
	for s, t := range topics {
		h[s] = m.topics.values[t].emitted
	}
	k.histories[h.key()] = h
}

// Len is how many histories there are.
func (k *Known) Len() int { return len(k.histories) }

// All returns the histories, each owner's events together.
func (k *Known) All() [][]Emitted {
	var all [][]Emitted
	for _, key := range slices.Sorted(maps.Keys(k.histories)) {
		h := k.histories[key]
		all = append(all, slices.Concat(h[:]...))
	}
	return all
}

// ErrUnexplained is returned when no path of the explorer ends with a history.
var ErrUnexplained = errors.New("no path of the explorer ends with this history")

// Explain returns nil when some path ends with what an order's five topics tell
// of it: the events of each owner in their order, copies left out. Otherwise
// its error wraps ErrUnexplained, and tells where the nearest history differs.
func (k *Known) Explain(events []Emitted) error {
	h, err := historyOf(events)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnexplained, err)
	}
	if _, known := k.histories[h.key()]; known {
		return nil
	}
	var nearest history
	least := -1
	for _, key := range slices.Sorted(maps.Keys(k.histories)) {
		known := k.histories[key]
		d := 0
		for s := range h {
			d += distance(h[s], known[s])
		}
		if least < 0 || d < least {
			least, nearest = d, known
		}
	}
	var differs []string
	for s := range h {
		if !slices.Equal(h[s], nearest[s]) {
			differs = append(differs, fmt.Sprintf("%s told %s; in the nearest history it tells %s", serviceNames[s], words(h[s]), words(nearest[s])))
		}
	}
	return fmt.Errorf("%w: %s", ErrUnexplained, strings.Join(differs, "; "))
}

func words(events []Emitted) string {
	if len(events) == 0 {
		return "nothing"
	}
	var ws []string
	for _, e := range events {
		_, said, _ := strings.Cut(e.String(), ": ")
		ws = append(ws, said)
	}
	return "[" + strings.Join(ws, ", ") + "]"
}

// distance is what it costs to make one telling of the other. To exchange an
// event for one of its type, with another reason or cause, is the least, since
// that is the likeliest fault; to exchange it for one of another type is a bit
// less than to leave one out and to add one. One that is missing costs less than
// the reasons of all that follow from it.
func distance(a, b []Emitted) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j * oneMore
	}
	for i := range a {
		before := row[0]
		row[0] = (i + 1) * oneMore
		for j := range b {
			exchanged := before + exchange(a[i], b[j])
			before = row[j+1]
			row[j+1] = min(exchanged, row[j]+oneMore, row[j+1]+oneMore)
		}
	}
	return row[len(b)]
}

// oneMore is what an event costs that is too many or missing.
const oneMore = 4

func exchange(a, b Emitted) int {
	switch {
	case a == b:
		return 0
	case a.Type != b.Type:
		return 2*oneMore - 1
	case a.Reason == b.Reason:
		return 1
	case a.Cause == b.Cause:
		return 2
	}
	return 3
}

// Histories returns every history with which an order of the scope can end. It
// returns nil for a composition, which has no ends of its own.
func (r *Result) Histories() [][]Emitted {
	if r.graph == nil {
		return nil
	}
	k := &Known{histories: map[string]history{}}
	m := r.graph.m
	for n, rest := range r.graph.rest {
		if v := r.graph.world(n); rest {
			for at := 0; at+services < len(v); at += services {
				k.add(m, m.told(v[at:]))
			}
		}
	}
	return k.All()
}
