package simulation

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// order is the inputs of one order from the outside.
type order struct {
	key        string
	shop, room int  // facts of each owner
	garbage    bool // an unreadable record is at the head of the shop's lane
	unreadable int  // the shop's last facts, from the first with a schema that stays unknown
}

// fact is a record that an owner will append.
type fact struct {
	owner  string
	record record.Record
}

// prepare draws the orders and their facts.
func (w *world) prepare() (facts []fact) {
	names := w.Perm(60) // spread over the shards, so that both instances have some
	for i := range 2 + w.IntN(4) {
		o := order{key: "order-" + strconv.Itoa(names[i]), shop: 1 + w.IntN(4), room: w.IntN(4)}
		w.outside.declines[o.key] = w.chance(5)
		if w.chance(3) {
			w.infect(o.key, fmt.Sprint(pick(w.scheduler, []string{"shop", "room"}), " ", 1+w.IntN(3)))
		}
		if w.chance(3) {
			w.infect(o.key, pick(w.scheduler, []string{"charge", "void", "receipt", "stamp 1", "stamp 2"}))
		}
		if w.chance(4) {
			w.infect(o.key, "reminder")
			if w.chance(2) { // the order stays open, so that it can be reminded of again
				w.infect(o.key, "charge")
			}
		}
		if o.garbage = w.chance(8); o.garbage {
			facts = append(facts, w.record("shop", o.key, 0, nil))
		}
		for n := range o.shop {
			facts = append(facts, w.record("shop", o.key, n+1, ordered{o.key, int64(n + 1), ""}))
		}
		if w.chance(8) {
			w.needsRegistry(&o, facts[len(facts)-o.shop:])
		}
		for n := range o.room {
			facts = append(facts, w.record("room", o.key, n+1, held{o.key, int64(n + 1), ""}))
		}
		w.judge.orders = append(w.judge.orders, o)
	}
	if w.chance(4) {
		facts = append(facts, w.record("shop", "", 1, ordered{"", 1, ""}))
		w.judge.unkeyed++
	}
	return facts
}

// needsRegistry makes some of the shop's facts need the registry. It draws when the
// registry knows their schema: from the beginning, soon, when they have been parked, or
// never.
func (w *world) needsRegistry(o *order, facts []fact) {
	first := w.IntN(len(facts))
	if w.chance(2) {
		w.infect(o.key, fmt.Sprint("shop ", first+1))
	}
	id := foreignID + len(w.schemas.texts)
	w.schemas.texts = append(w.schemas.texts, string(contract()["shop/Ordered/v1.avsc"].Data))
	switch after := pick(w.scheduler, []time.Duration{0, 0, 15 * time.Second, 45 * time.Second, -1}); {
	case after < 0:
		w.schemas.never[strconv.Itoa(id)] = true
		o.unreadable = len(facts) - first
	default:
		w.schemas.learned[strconv.Itoa(id)] = w.began.Add(after)
		w.schemas.soon[strconv.Itoa(id)] = after < 30*time.Second
	}
	for i := range facts[first:] {
		if i == 0 || w.chance(2) {
			w.foreign(&facts[first+i], id)
		}
	}
}

// record writes a fact as its owner's relay does; for nil it writes a record without a
// schema.
func (w *world) record(owner, key string, n int, e flow.Event) fact {
	r := record.Record{Topic: flow.Topic(owner), Key: key, Value: []byte("no schema wrote this"), Headers: []record.Header{
		{Name: "ce_id", Value: fmt.Sprintf("%s-%s-%d", owner, key, n)}, {Name: "ce_sequence", Value: strconv.Itoa(n)}, {Name: "ce_correlationid", Value: "story " + key},
		{Name: "ce_tenant", Value: "tenant of " + key}, {Name: "traceparent", Value: traceOf(fmt.Sprintf("%s-%s-%d", owner, key, n))},
	}}
	if e == nil {
		return fact{owner, r}
	}
	value, dataSchema, err := w.codecs[owner].Encode(e.EventType(), e)
	if err != nil {
		panic(err) // the schemas are these types'
	}
	r.Value, r.Headers = value, append(r.Headers, record.Header{Name: "ce_type", Value: e.EventType()}, record.Header{Name: "ce_dataschema", Value: dataSchema})
	return fact{owner, r}
}

// traceOf is the trace context whose digits hold the name of its originator.
func traceOf(name string) string {
	digits := fmt.Sprintf("%x", fmt.Sprintf("%24s", name))
	if len(digits) > 48 {
		panic(name + " does not fit into a trace")
	}
	return "00-" + digits[:32] + "-" + digits[32:48] + "-01"
}

// begun reads the name back; it is empty where there is no trace.
func begun(trace string) string {
	var name []byte
	if _, err := fmt.Sscanf(strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(trace, "00-"), "-01"), "-", ""), "%x", &name); err != nil {
		return ""
	}
	return strings.TrimLeft(string(name), " ")
}

// feed appends the facts. Each owner's facts keep their order, and the seed interleaves
// the owners. A producer without an answer appends again.
func (w *world) feed(facts, burst []fact) {
	for _, owner := range []string{"shop", "room"} {
		w.busy++
		go func() {
			var last *record.Record
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
			if owner == "room" && len(burst) > 0 {
				w.bursting = true
				for _, f := range burst {
					w.topics.append(f.record)
				}
			}
			w.busy--
		}()
	}
}

// customer nudges orders, each nudge with a key of its own. It repeats a nudge, as its
// answer says, until the outcome is known. Some customers use one key for two requests
// at once, like a client with badly chosen keys.
func (w *world) customer(name string) {
	w.busy++
	wishes := make([]time.Duration, 1+w.IntN(3))
	for i := range wishes {
		wishes[i] = pick(w.scheduler, []time.Duration{0, 0, 3 * time.Second, 10 * time.Second})
	}
	go func() {
		for i, pause := range wishes {
			<-time.After(pause)
			_ = w.wait(nil, "customer chooses", name)
			o, key := pick(w.scheduler, w.judge.orders), fmt.Sprintf("%s%d", name, i)
			if w.chance(4) {
				other := pick(w.scheduler, []order{o, pick(w.scheduler, w.judge.orders)})
				w.judge.reused[key] = map[string]bool{}
				w.busy++
				go func() {
					w.nudge(other.key, key, key+"-again")
					_ = w.wait(nil, "customer leaves", key+"-again")
					w.busy--
				}()
			}
			w.nudge(o.key, key, key)
		}
		_ = w.wait(nil, "customer leaves", name)
		w.busy--
	}()
}

// nudge submits the command until its outcome is known. A refusal is final, also after
// an unknown outcome.
func (w *world) nudge(order, key, name string) {
	c := engine.Command{Key: order, Body: nudge{Name: name}, IdempotencyKey: key, Digest: name, Tenant: "tenant of " + order, Traceparent: traceOf(name)}
	sure := true // that it did not happen yet
	for ; !w.over; <-time.After(200 * time.Millisecond) {
		_ = w.wait(nil, "customer", name)
		if len(w.live) == 0 {
			continue
		}
		p := pick(w.scheduler, w.live)
		if other := w.underWay[key]; other != nil && other != p {
			w.seen("two requests under one key were under way at two instances")
		}
		w.underWay[key] = p
		reply, err := p.engine.Submit(p.ctx, c)
		_ = w.wait(nil, "customer is answered", name)
		delete(w.underWay, key)
		if p.gone() {
			w.seen("a command's process was killed")
			sure = false
			continue // its answer came too late
		}
		switch {
		case err == nil:
			w.judge.answered(order, key, name, reply)
			return
		case errors.Is(err, errNoName):
			return
		case errors.Is(err, engine.ErrKeyReused):
			w.judge.refused(key, name)
			return
		case errors.Is(err, engine.ErrOutcomeUnknown):
			w.seen("a command of unknown outcome was repeated")
			sure = false
		case errors.Is(err, engine.ErrUnavailable) && sure && w.chance(4):
			w.seen("a customer whose command was refused as busy went away")
			return // and it must never happen
		case !errors.Is(err, engine.ErrUnavailable):
			w.violate("nudge %s was answered %v", name, err)
			return
		}
	}
}
