package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
)

// unknownFor is how long the engine asks again for a schema that the registry does not
// know. After that the record counts as tried. A producer registers a schema before it
// produces, so a registry that is up to date has it within seconds.
const unknownFor = 30 * time.Second

// OnAssigned takes over partitions. It raises their generations, and sets each
// assignment's Start to the stored position. Raising a generation waits for the old
// owner's open transaction. The inputs that the old owner holds in memory are fenced
// from then on.
func (e *Engine[S]) OnAssigned(ctx context.Context, as []*Assignment) error {
	starts := make([]position, len(as))
	names := make([]string, len(as))
	for i, a := range as {
		names[i], a.fenced = a.key(), make(chan struct{})
	}
	_, err := e.submit(ctx, &input{Input: flow.Input{ID: "assign/" + strings.Join(names, " ")}, assignments: as, control: func(b *batch) {
		if ctx.Err() != nil {
			return // the caller gave up, and its successor may have been assigned them
		}
		for i, a := range as {
			p := b.positions[a.key()]
			if p == nil {
				p = &position{partition: a.key()}
				b.positions[a.key()] = p
			}
			if p.generation == 0 { // never read
				p.next = a.LogStart
			}
			p.generation++
			p.dirty = true
			starts[i] = *p
		}
	}})
	if err != nil || ctx.Err() != nil {
		return fmt.Errorf("assign partitions: %w", ctx.Err())
	}
	for i, a := range as {
		a.Start, a.generation = starts[i].next, starts[i].generation
	}
	return nil
}

// Enqueue hands a record of an assignment to the next batch. It waits while the
// queue is full, and for nothing else. A record that only the registry can explain
// parks its lane until a retry asks the registry. Enqueue returns an error only when
// ctx ends.
func (e *Engine[S]) Enqueue(ctx context.Context, a *Assignment, r *record.Record) error {
	in := e.envelope(r)
	// Otherwise the envelope names an event that this participant has no reaction to.
	if in.Name == "" || e.reactsTo(in.Name) {
		w, err := e.Codec.Known(r.Value, in.dataSchema)
		e.explain(in, w, err)
	}
	in.assignment = a
	// A quiet reaction has no outputs, so its commit can wait: the same batch handles the
	// inputs that follow. But it cannot where another instance may handle those inputs:
	//
	//	A holds a cancellation back ─ B handles StockReserved, and charges ─ A commits
	quiet := in.Body != nil && e.table[in.Name].Quiet() && !e.leases.others.Load()
	in.canWait = (in.ignored() || quiet) && in.Key != "" && record.ValidID(in.Key)
	if !e.enqueue(ctx, in) {
		return ctx.Err()
	}
	return nil
}

// Advance queues a step that moves an assignment's stored position forward to an offset.
// It passes offsets without a record to handle. The step comes after the inputs that were
// queued before it. It is fenced like a record once another process has been assigned the
// partition. Advance returns an error only when ctx ends.
func (e *Engine[S]) Advance(ctx context.Context, a *Assignment, next int64) error {
	taken := false
	in := &input{Input: flow.Input{ID: "advance/" + a.key()}, assignments: []*Assignment{a}, canWait: true}
	in.control = func(b *batch) {
		if taken = !b.fenced(a); taken {
			p := b.positions[a.key()]
			p.next, p.dirty = max(p.next, next), true
		}
	}
	in.committed = func(Outcome) {
		if taken {
			a.Commit(next)
		}
	}
	if !e.enqueue(ctx, in) {
		return ctx.Err()
	}
	return nil
}

func (e *Engine[S]) envelope(r *record.Record) *input {
	env := record.ReadEnvelope(r)
	return &input{
		Input:  flow.Input{Kind: flow.KindEvent, Name: env.Type, ID: env.Identity(r.Topic), Key: r.Key},
		Trace:  env.Trace,
		record: r, eventID: env.ID, sequence: env.Sequence, occurred: env.Time,
		digest: record.Digest(env.Type, r), dataSchema: env.DataSchema,
	}
}

// read makes a record an input, and asks the registry where it has to. An unreadable
// record is an input too, with the reason, since its lane must park. The error means
// only that the registry was unavailable, or that it does not know the schema yet.
func (e *Engine[S]) read(ctx context.Context, r *record.Record) (*input, error) {
	in := e.envelope(r)
	if in.Name != "" && !e.reactsTo(in.Name) {
		return in, nil
	}
	w, err := e.Codec.Writer(ctx, r.Value, in.dataSchema)
	e.Turns.next("explained", r.Key) // it may have waited for the registry
	e.explain(in, w, err)
	if err == nil {
		e.unknown.Delete(schemaOf(r))
	}
	if errors.Is(in.unexplained, registry.ErrUnknownSchema) && e.unknownLong(r) {
		in.unexplained, in.unreadable = nil, err
	}
	return in, in.unexplained
}

// explain fills in an input's name and body from w, the schema of its record. Where
// that fails, it fills in the reason.
func (e *Engine[S]) explain(in *input, w *registry.Writer, err error) {
	if errors.Is(err, registry.ErrUnavailable) || errors.Is(err, registry.ErrUnknownSchema) {
		in.unexplained = err
		return
	}
	if err == nil {
		in.Name, err = record.Explain(in.record, in.Name, w)
	}
	if err != nil {
		in.unreadable = err
		return
	}
	if !e.reactsTo(in.Name) {
		return
	}
	body, err := record.Decode(w, e.table[in.Name].Decode)
	if err != nil {
		in.unreadable = fmt.Errorf("decode %s: %w", in.Name, err)
		return
	}
	if key := body.(flow.Event).EventKey(); key != in.Key && in.Key != "" {
		in.unreadable = fmt.Errorf("record of %s is keyed %q and is about %q", in.Name, in.Key, key)
		return
	}
	in.Body = body
}

// reactsTo reports whether the table names an event. The table also has commands,
// results and timers, and no record can be one.
func (e *Engine[S]) reactsTo(event string) bool {
	r, ok := e.table[event]
	return ok && r.Kind() == flow.KindEvent
}

// unknownLong reports whether the schema of a record has been unknown for long
// enough. The time counts from the first record that named the schema. If each record
// had its own time, a thousand of them would wait for more than eight hours.
func (e *Engine[S]) unknownLong(r *record.Record) bool {
	since, _ := e.unknown.LoadOrStore(schemaOf(r), time.Now())
	return time.Since(since.(time.Time)) >= unknownFor
}

// schemaOf returns a record's reference to its schema: the magic byte and the id.
func schemaOf(r *record.Record) string { return string(r.Value[:min(5, len(r.Value))]) }
