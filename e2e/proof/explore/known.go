package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quintet-eda/quintet/e2e/history"
)

// Histories explores one order against every answer of the stock, also an order of a
// foreign producer, and returns every history with which an order can end.
//
// Email only subscribes: its events depend on the order service's topic alone, and no
// service reads them. So email is explored afterwards, for each end that the other four
// can reach, and not together with them.
//
// Unanswered attempts and crashes are left out: the topics show nothing of them that
// they do not show of spent attempts. The histories with them are the same, and the
// tests compare them.
func Histories(ctx context.Context, sys System) (*history.Known, error) {
	return histories(ctx, sys, Ordinary&^Unanswered)
}

func histories(ctx context.Context, sys System, may Choice) (*history.Known, error) {
	k := &history.Known{}
	for _, foreign := range []bool{false, true} {
		scope := Scope{Name: "histories", Orders: 1, Stock: 1, May: may &^ (Mails | MailFails), Foreign: foreign, open: true}
		m := newModel(sys, scope)
		for _, reader := range m.machines {
			if slices.Contains(reader.reads, ofEmail) {
				return nil, fmt.Errorf("%s reads what email tells, so that email cannot be explored by itself", reader.service)
			}
			if reader.service == serviceNames[ofEmail] && !slices.Equal(reader.reads, []int{ofOrder}) {
				return nil, errors.New("email reads more than the order service's topic, and is explored for each of its ends only")
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
		if err := listen(ctx, k, m, ends); err != nil {
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

// listen explores email on the order service's topic at each end.
func listen(ctx context.Context, k *history.Known, m *model, ends map[[services]int32][]uint32) error {
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
			add(k, m, topics)
		}
	}
	return nil
}

func add(k *history.Known, m *model, topics [services]int32) {
	var events []history.Event
	for _, t := range topics {
		events = append(events, m.topics.values[t].emitted...)
	}
	if err := k.Add(events); err != nil {
		panic(err) // an owner is one of the five
	}
}

// Histories returns every history with which an order of the scope can end. It
// returns nil for a composition, which has no ends of its own.
func (r *Result) Histories() [][]history.Event {
	if r.graph == nil {
		return nil
	}
	k := &history.Known{}
	m := r.graph.m
	for n, rest := range r.graph.rest {
		if v := r.graph.world(n); rest {
			for at := 0; at+services < len(v); at += services {
				add(k, m, m.told(v[at:]))
			}
		}
	}
	return k.List()
}
