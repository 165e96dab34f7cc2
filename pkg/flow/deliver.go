package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/registry"
)

// unknownFor is how long a schema that the registry does not know is asked for
// again before its record parks: a producer registers before it produces, so a
// registry that is up to date learns of it within seconds.
const unknownFor = 30 * time.Second

// Assign takes over partitions. It raises their epochs, which waits for what
// the old owner has in a transaction and refuses what it holds in memory, and
// sets each claim's Start to the stored position.
func (e *Engine[S]) Assign(ctx context.Context, claims []*Claim) error {
	starts := make([]position, len(claims))
	names := make([]string, len(claims))
	for i, c := range claims {
		names[i], c.lost = c.key(), make(chan struct{})
	}
	ok := e.settle(ctx, &Input{ID: "assign/" + strings.Join(names, " "), claims: claims, internal: func(w *work) {
		if ctx.Err() != nil {
			return // the caller is gone, and who came after it may have claimed them
		}
		for i, c := range claims {
			p := w.positions[c.key()]
			if p == nil {
				p = &position{claim: c.key()}
				w.positions[c.key()] = p
			}
			if p.epoch == 0 { // never read
				p.next = c.LogStart
			}
			p.epoch++
			p.dirty = true
			starts[i] = *p
		}
	}})
	if !ok || ctx.Err() != nil {
		return fmt.Errorf("assign partitions: %w", ctx.Err())
	}
	for i, c := range claims {
		c.Start, c.epoch = starts[i].next, starts[i].epoch
	}
	return nil
}

// Deliver hands a record of a claim to the next batch. It waits while the
// queue is full, or while the registry that would explain the record is out of
// reach: the partition pauses, nothing is skipped. It returns an error only
// when ctx ends.
func (e *Engine[S]) Deliver(ctx context.Context, c *Claim, r *Record) error {
	delay := e.Turns.newDelay()
	for {
		in, err := e.read(ctx, r)
		if err == nil {
			e.trouble.clear("registry for " + c.key())
			in.claim = c
			if !e.put(ctx, in) {
				return ctx.Err()
			}
			return nil
		}
		e.trouble.set("registry for "+c.key(), err)
		if !e.Turns.pause(ctx, delay, c.key()) {
			e.trouble.clear("registry for " + c.key())
			return ctx.Err()
		}
	}
}

// read makes a record an input. What cannot be read is an input too, with the
// reason: its lane must park. The error is only that the registry could not be
// asked, or that it does not know the schema and may still learn of it.
func (e *Engine[S]) read(ctx context.Context, r *Record) (*Input, error) {
	env := readEnvelope(r)
	in := &Input{
		Kind: KindEvent, Name: env.Type, ID: env.ID, Key: r.Key, Trace: env.Trace,
		record: r, sequence: env.Sequence, occurred: env.Time,
	}
	if !e.reactsTo(env.Type) && env.Type != "" {
		return in, nil // says itself that it is none of this participant's
	}
	writer, err := e.Codec.Writer(ctx, r.Value, env.DataSchema)
	e.Turns.next("explained", r.Key) // it may have waited for the registry
	if errors.Is(err, registry.ErrUnavailable) || errors.Is(err, registry.ErrUnknownSchema) && !e.unknownLong(r) {
		return nil, err
	}
	if err != nil {
		in.unreadable = err
		return in, nil
	}
	if in.Name == "" {
		in.Name = writer.Name()
	}
	switch {
	case in.Name != writer.Name():
		in.unreadable = fmt.Errorf("record says it is %s and is written as %s", in.Name, writer.Name())
	case writer.Topic() != "" && writer.Topic() != r.Topic:
		// Its id may have stood for another schema when it was written: to pass
		// over it as somebody else's event could be to lose one of ours.
		in.unreadable = fmt.Errorf("record on %s is written as %s, which belongs on %s", r.Topic, writer.Name(), writer.Topic())
	case e.reactsTo(in.Name):
		body, err := e.table[in.Name].read(writer)
		if err != nil {
			in.unreadable = fmt.Errorf("decode %s: %w", in.Name, err)
			break
		}
		if key := body.(Event).EventKey(); key != r.Key && r.Key != "" {
			in.unreadable = fmt.Errorf("record of %s is keyed %q and is about %q", in.Name, r.Key, key)
			break
		}
		in.Body = body
	}
	return in, nil
}

// reactsTo reports whether the table names an event. Commands, results and
// timers stand in it too, and no record can be one.
func (e *Engine[S]) reactsTo(event string) bool {
	r, ok := e.table[event]
	return ok && r.kind == KindEvent
}

// read decodes a record's value. Bytes that make the decoder panic are that
// record's alone: the process would come back to them for ever.
func (r Reaction[S]) read(w *registry.Writer) (body any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoder panicked: %v", p)
		}
	}()
	return r.decode(w.Decode)
}

// unknownLong reports whether the schema of a record has been unknown for long
// enough. The time counts from the first record that named it: were it each
// record's own, a thousand of them would hold up their partition for a day.
func (e *Engine[S]) unknownLong(r *Record) bool {
	since, _ := e.unknown.LoadOrStore(string(r.Value[:min(5, len(r.Value))]), time.Now()) // the magic byte and the id
	return time.Since(since.(time.Time)) >= unknownFor
}

// Advance moves the position of a claim forward to next, over offsets of which
// there is nothing to deliver. It comes after what was delivered before it, and
// is refused like a record once another has claimed the partition.
func (e *Engine[S]) Advance(ctx context.Context, c *Claim, next int64) error {
	taken := false
	ok := e.settle(ctx, &Input{ID: "advance/" + c.key(), claims: []*Claim{c}, internal: func(w *work) {
		if w.overtaken(c) {
			c.lose()
			return
		}
		p := w.positions[c.key()]
		p.next, p.dirty, taken = max(p.next, next), true, true
	}})
	if !ok {
		return ctx.Err()
	}
	if taken {
		c.Mark(next)
	}
	return nil
}
