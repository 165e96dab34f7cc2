package flow

import (
	"errors"
	"fmt"
)

// apply runs the reaction and turns what it put out into rows. Nothing of the
// batch changes unless all of it succeeds.
func (e *Engine[S]) apply(w *work, unit Unit[S], in *Input) ([]string, error) {
	r, ok := e.table[in.Name]
	if !ok {
		return nil, fmt.Errorf("participant %s has no reaction to %s", e.Participant.Service, in.Name)
	}
	out := Out{now: w.now, inputID: in.ID, service: e.Participant.Service, declare: e.declared[in.Name]}
	next, err := r.react(unit.State(in), in.Body, &out)
	if err != nil {
		return nil, err
	}
	made, err := e.encode(w, in, &out)
	if err != nil {
		return nil, err
	}
	unit.Absorb(in, next)
	if in.Kind == KindTimer && in.parkedN == 0 {
		w.stopTimer(timerID{in.Key, in.Name}) // it has run out; before the outputs, which may start it again
	}
	w.take(in, &out, made)
	emitted := make([]string, len(out.events))
	for i, ev := range out.events {
		emitted[i] = ev.EventType()
	}
	return emitted, nil
}

// made is a reaction's outputs, encoded.
type made struct {
	trace   Trace
	records []outgoing
	effects []effectCall
	timers  []*timerRow
	reply   string
}

// ErrTooLarge is returned when an event does not fit into a record.
var ErrTooLarge = errors.New("event is larger than a record may be")

// maxRecord is well below the brokers' default of 1 MiB for a batch.
const maxRecord = 256 << 10

func (e *Engine[S]) encode(w *work, in *Input, out *Out) (made, error) {
	s := w.stream(in.Key)
	m := made{trace: in.follow(s)}
	for n, ev := range out.events {
		if ev.EventKey() != in.Key {
			return made{}, fmt.Errorf("emit %s of %q in reaction to an input of %q: an output keeps its input's key", ev.EventType(), ev.EventKey(), in.Key)
		}
		id := deriveID(in.ID, e.Participant.Service, ev.EventType(), n)
		if m.trace.CorrelationID == "" {
			m.trace.CorrelationID = id // the first event of the story
		}
		value, dataSchema, err := e.Codec.Encode(ev.EventType(), ev)
		if err != nil {
			return made{}, fmt.Errorf("encode %s: %w", ev.EventType(), err)
		}
		if len(value) > maxRecord {
			return made{}, fmt.Errorf("encode %s of %d bytes: %w", ev.EventType(), len(value), ErrTooLarge)
		}
		seq := s.emitted + int64(n) + 1
		m.records = append(m.records, outgoing{
			ID: id, Topic: Topic(ev.EventOwner()), Key: ev.EventKey(), Seq: seq, Value: value,
			Headers: eventHeaders(id, ev, seq, out.now, dataSchema, m.trace),
		})
	}
	for n, effect := range out.effects {
		body, err := marshal(effect)
		if err != nil {
			return made{}, err
		}
		m.effects = append(m.effects, effectCall{
			ID: deriveID(in.ID, e.Participant.Service, name(effect), n), Key: in.Key, Name: name(effect), body: body, Causation: m.trace.CausationID, traceparent: m.trace.Traceparent,
		})
	}
	for _, t := range out.timers {
		body, err := marshal(t.body)
		if err != nil {
			return made{}, err
		}
		m.timers = append(m.timers, &timerRow{id: timerID{in.Key, t.name}, due: t.due.UnixMicro(), body: body, causation: m.trace.CausationID, traceparent: m.trace.Traceparent})
	}
	if out.reply != nil {
		reply, err := marshal(out.reply)
		if err != nil {
			return made{}, err
		}
		m.reply = reply
	}
	return m, nil
}

// follow is the trace of what an input leads to. An event is the cause of
// what follows; a result and a timer hand on the event that asked for them;
// after a command there is none.
func (in *Input) follow(s *stream) Trace {
	t := in.Trace
	if in.Kind == KindEvent {
		t.CausationID = in.ID
	}
	if t.CorrelationID == "" {
		t.CorrelationID = s.correlation
	}
	if t.Tenant == "" {
		t.Tenant = s.tenant
	}
	return t
}

// take adds a reaction's outputs to what the batch writes.
func (w *work) take(in *Input, out *Out, m made) {
	s := w.stream(in.Key)
	if s.correlation == "" {
		s.correlation, s.tenant, s.dirty = m.trace.CorrelationID, m.trace.Tenant, true
	}
	if len(m.records) > 0 {
		s.emitted += int64(len(m.records))
		s.dirty = true
	}
	w.done.records = append(w.done.records, m.records...)
	for i := range m.effects {
		m.effects[i].n = s.next()
	}
	w.done.effects = append(w.done.effects, m.effects...)
	for _, name := range out.stopped {
		w.stopTimer(timerID{in.Key, name})
	}
	for _, t := range m.timers {
		w.timers[t.id] = t.due
		w.done.timers[t.id] = t
	}
	if c := in.command; c != nil {
		c.reply = m.reply
		if c.key != "" {
			w.commands[c.key] = answered{c.digest, m.reply}
			w.done.commands = append(w.done.commands, commandRow{c.key, c.digest, m.reply})
		}
	}
}

// stopTimer ends a timer; a nil row is a deletion.
func (w *work) stopTimer(id timerID) {
	delete(w.timers, id)
	w.done.timers[id] = nil
}
