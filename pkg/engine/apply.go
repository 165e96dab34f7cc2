package engine

import (
	"fmt"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// maxRecord bounds an event's value in bytes. It is well below the brokers'
// default of 1 MiB for a batch.
const maxRecord = 256 << 10

// apply runs the reaction and encodes its outputs as rows. The batch changes only if
// all of this succeeds.
func (e *Engine[S]) apply(b *batch, states flow.BatchState[S], in *input) ([]string, error) {
	r, ok := e.table[in.Name]
	if !ok {
		return nil, e.noReaction(in.Name)
	}
	next, out, err := r.React(e.Participant.Service, states.State(&in.Input), in.ID, b.now, in.Body)
	if err != nil {
		return nil, err
	}
	o, err := e.encode(b, in, &out)
	if err != nil {
		return nil, err
	}
	states.Put(&in.Input, next)
	if in.Kind == flow.KindTimer && in.parkedN == 0 {
		b.stopTimer(timerID(in.Key, in.Name)) // it fired; the outputs may start it again, so they come later
	}
	b.put(in, &out, o)
	emitted := make([]string, len(out.Events))
	for i, ev := range out.Events {
		emitted[i] = ev.EventType()
	}
	return emitted, nil
}

func (e *Engine[S]) noReaction(to string) error {
	return fmt.Errorf("participant %s has no reaction to %s", e.Participant.Service, to)
}

// outputs are the encoded outputs of a reaction.
type outputs struct {
	trace   record.Trace
	records []*outgoing
	calls   []*call
	timers  []*timer
	reply   string
}

func (e *Engine[S]) encode(b *batch, in *input, out *flow.Outputs) (o outputs, err error) {
	service := e.Participant.Service
	k := b.key(in.Key)
	o.trace = k.follow(in)
	for n, ev := range out.Events {
		if ev.EventKey() != in.Key {
			return outputs{}, fmt.Errorf("emit %s of %q in reaction to an input of %q: an output keeps its input's key", ev.EventType(), ev.EventKey(), in.Key)
		}
		id := flow.DeriveID(in.Key, in.ID, service, ev.EventType(), n)
		if o.trace.CorrelationID == "" {
			o.trace.CorrelationID = id // the first event names the correlation
		}
		value, dataSchema, err := e.Codec.Encode(ev.EventType(), ev)
		if err != nil {
			return outputs{}, fmt.Errorf("encode %s: %w", ev.EventType(), err)
		}
		if len(value) > maxRecord {
			return outputs{}, fmt.Errorf("encode %s of %d bytes: an event may have %d", ev.EventType(), len(value), maxRecord)
		}
		event := record.Event{ID: id, Owner: ev.EventOwner(), Type: ev.EventType(), Key: in.Key, Sequence: k.emitted + int64(n) + 1, Time: b.now, DataSchema: dataSchema, Trace: o.trace}
		o.records = append(o.records, newOutgoing(id, event.Sequence, record.Record{Topic: flow.Topic(ev.EventOwner()), Key: in.Key, Value: value, Headers: event.Headers()}))
	}
	for n, effect := range out.Calls {
		body, err := marshal(effect)
		if err != nil {
			return outputs{}, err
		}
		name := flow.Name(effect)
		o.calls = append(o.calls, &call{
			id: flow.DeriveID(in.Key, in.ID, service, name, n), key: in.Key, name: name, body: body, causation: o.trace.CausationID, traceparent: o.trace.Traceparent, shard: shardOf(in.Key),
		})
	}
	for _, t := range out.Timers {
		body, err := marshal(t.Timer)
		if err != nil {
			return outputs{}, err
		}
		name := flow.Name(t.Timer)
		o.timers = append(o.timers, &timer{
			id: timerID(in.Key, name), key: in.Key, name: name, due: b.now.Add(t.After).UnixMicro(), body: body, causation: o.trace.CausationID, traceparent: o.trace.Traceparent, shard: shardOf(in.Key),
		})
	}
	if out.Reply != nil {
		o.reply, err = marshal(out.Reply)
	}
	return o, err
}

// put adds a reaction's outputs to the rows that the batch writes.
func (b *batch) put(in *input, out *flow.Outputs, o outputs) {
	k := b.key(in.Key)
	if k.correlation == "" {
		k.correlation, k.tenant, k.dirty = o.trace.CorrelationID, o.trace.Tenant, true
	}
	if len(o.records) > 0 {
		k.emitted += int64(len(o.records))
		k.dirty = true
	}
	b.out.records = append(b.out.records, o.records...)
	for i := range o.calls {
		o.calls[i].n = k.next(b.now)
	}
	b.out.calls = append(b.out.calls, o.calls...)
	for _, name := range out.Stopped {
		b.stopTimer(timerID(in.Key, name))
	}
	for _, t := range o.timers {
		b.timers[t.id] = t.due
		b.out.timers[t.id] = t
	}
	if c := in.command; c != nil {
		c.reply = o.reply
		if c.key != "" {
			r := &reply{c.key, c.digest, o.reply}
			b.replies[c.key], b.out.replies[c.key] = r, r
		}
	}
}

// stopTimer ends a timer; a nil row is a deletion.
func (b *batch) stopTimer(id string) {
	delete(b.timers, id)
	b.out.timers[id] = nil
}
