package simulation

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// order is what happens to one order from the outside.
type order struct {
	key        string
	shop, room int            // facts of each owner
	poison     map[string]int // which fact of which owner
	garbage    bool           // a record that nobody can read is at the head of the shop's lane
}

// fact is a record that an owner will append.
type fact struct {
	owner  string
	record flow.Record
}

// prepare draws the orders and their facts.
func (w *world) prepare() (facts []fact) {
	names := w.Perm(60) // spread over the shards, so that both instances have some
	for i := range 2 + w.IntN(4) {
		o := order{key: "order-" + strconv.Itoa(names[i]), shop: 1 + w.IntN(4), room: w.IntN(4), poison: map[string]int{}}
		w.outside.declines[o.key] = w.chance(5)
		if w.chance(3) {
			o.poison[pick(w.scheduler, []string{"shop", "room"})] = 1 + w.IntN(3)
		}
		if o.garbage = w.chance(8); o.garbage {
			facts = append(facts, w.record("shop", o.key, 0, nil))
		}
		for n := range o.shop {
			facts = append(facts, w.record("shop", o.key, n+1, ordered{o.key, int64(n + 1), w.poison(o, "shop", n+1)}))
		}
		for n := range o.room {
			facts = append(facts, w.record("room", o.key, n+1, held{o.key, int64(n + 1), w.poison(o, "room", n+1)}))
		}
		w.judge.orders = append(w.judge.orders, o)
	}
	if w.chance(4) {
		facts = append(facts, w.record("shop", "", 1, ordered{"", 1, ""}))
		w.judge.unkeyed++
	}
	return facts
}

func (w *world) poison(o order, owner string, n int) string {
	if o.poison[owner] != n {
		return ""
	}
	return pick(w.scheduler, []string{poisonReaction, poisonSave})
}

// record writes a fact as its owner's relay does; nil is one that no schema wrote.
func (w *world) record(owner, key string, n int, e flow.Event) fact {
	r := flow.Record{Topic: flow.Topic(owner), Key: key, Value: []byte("no schema wrote this"), Headers: []flow.Header{
		{Name: "ce_id", Value: fmt.Sprintf("%s-%s-%d", owner, key, n)}, {Name: "ce_sequence", Value: strconv.Itoa(n)}, {Name: "ce_correlationid", Value: "story " + key},
	}}
	if e == nil {
		return fact{owner, r}
	}
	value, dataSchema, err := w.codecs[owner].Encode(e.EventType(), e)
	if err != nil {
		panic(err) // the schemas are these types'
	}
	r.Value, r.Headers = value, append(r.Headers, flow.Header{Name: "ce_type", Value: e.EventType()}, flow.Header{Name: "ce_dataschema", Value: dataSchema})
	return fact{owner, r}
}

// feed appends the facts, each owner's in their order, the owners' as it comes.
// A producer that was not answered appends again.
func (w *world) feed(facts []fact) {
	for _, owner := range []string{"shop", "room"} {
		w.busy++
		go func() {
			var last *flow.Record
			for _, f := range facts {
				if f.owner != owner {
					continue
				}
				_ = w.wait(nil, "feed", owner)
				if last != nil && w.strikes(w.faults.copies) {
					w.topics.append(*last)
				}
				w.topics.append(f.record)
				last = &f.record
			}
			_ = w.wait(nil, "fed", owner)
			w.busy--
		}()
	}
}

// customer nudges orders, each nudge with a key of its own, and repeats one as
// its answer says until it knows how it ended.
func (w *world) customer(name string) {
	w.busy++
	wishes := 1 + w.IntN(3)
	go func() {
		for i := range wishes {
			_ = w.wait(nil, "customer chooses", name)
			o := pick(w.scheduler, w.judge.orders)
			w.nudge(o.key, fmt.Sprintf("%s%d", name, i))
		}
		_ = w.wait(nil, "customer leaves", name)
		w.busy--
	}()
}

func (w *world) nudge(order, name string) {
	c := flow.Command{Key: order, Body: nudge{Name: name}, IdempotencyKey: name, Digest: name, Tenant: "sim"}
	sure := true // that it did not happen yet
	for ; !w.over; <-time.After(200 * time.Millisecond) {
		_ = w.wait(nil, "customer", name)
		if len(w.live) == 0 {
			continue
		}
		p := pick(w.scheduler, w.live)
		_, err := p.engine.Submit(p.ctx, c)
		_ = w.wait(nil, "customer is answered", name)
		if p.gone() {
			w.seen("a command's process was killed")
			sure = false
			continue // whatever it said came too late
		}
		switch {
		case err == nil:
			w.judge.nudges[order] = append(w.judge.nudges[order], name)
			return
		case errors.Is(err, errNoName):
			return
		case errors.Is(err, flow.ErrUnknown):
			w.seen("a command of unknown outcome was repeated")
			sure = false
		case errors.Is(err, flow.ErrBusy) && sure && w.chance(4):
			w.seen("a customer whose command was refused as busy went away")
			return // and it must never happen
		case !errors.Is(err, flow.ErrBusy):
			w.violate("nudge %s was answered %v", name, err)
			return
		}
	}
}
