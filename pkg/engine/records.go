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

// unknownFor is how long a schema that the registry does not know is asked for
// again before its record counts as tried: a producer registers before it
// produces, so a registry that is up to date learns of it within seconds.
const unknownFor = 30 * time.Second

// OnAssigned takes over partitions. It raises their generations, which waits for
// what the old owner has in a transaction and refuses what it holds in memory, and
// sets each assignment's Start to the stored position.
func (e *Engine[S]) OnAssigned(ctx context.Context, as []*Assignment) error {
	starts := make([]position, len(as))
	names := make([]string, len(as))
	for i, a := range as {
		names[i], a.fenced = a.key(), make(chan struct{})
	}
	_, err := e.submit(ctx, &input{Input: flow.Input{ID: "assign/" + strings.Join(names, " ")}, assignments: as, control: func(b *batch) {
		if ctx.Err() != nil {
			return // the caller is gone, and the one after it may have been assigned them
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
// queue is full, and for nothing else: a record that only the registry can explain
// parks its lane until it is asked. It returns an error only when ctx ends.
func (e *Engine[S]) Enqueue(ctx context.Context, a *Assignment, r *record.Record) error {
	in := e.envelope(r)
	if in.Name == "" || e.reactsTo(in.Name) { // else it says itself that it is none of this participant's
		w, err := e.Codec.Known(r.Value, in.dataSchema)
		e.explain(in, w, err)
	}
	in.assignment = a
	// Nothing follows from it, so it need not be committed at once: what comes after it is
	// handled in the same batch. But not where another instance may handle what comes after:
	//
	//	A keeps a cancellation ─ B handles StockReserved, and charges ─ A commits
	quiet := in.Body != nil && e.table[in.Name].Quiet() && !e.leases.others.Load()
	in.canWait = (in.ignored() || quiet) && in.Key != "" && record.ValidID(in.Key)
	if !e.enqueue(ctx, in) {
		return ctx.Err()
	}
	return nil
}

// Advance queues a step that moves the stored position of an assignment forward to an
// offset, past what is no record to be handled. It comes after what was queued before
// it, and is refused like a record once another process has been assigned the
// partition. It returns an error only when ctx ends.
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

// read makes a record an input, and asks the registry where it has to. What cannot
// be read is an input too, with the reason: its lane must park. The error is only
// that the registry could not be asked, or that it does not know the schema and may
// still learn of it.
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

// explain fills in what an input says, from how its record is written.
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

// reactsTo reports whether the table names an event. Commands, results and
// timers stand in it too, and no record can be one.
func (e *Engine[S]) reactsTo(event string) bool {
	r, ok := e.table[event]
	return ok && r.Kind() == flow.KindEvent
}

// unknownLong reports whether the schema of a record has been unknown for long
// enough. The time counts from the first record that named it: were it each
// record's own, a thousand of them would wait for a day.
func (e *Engine[S]) unknownLong(r *record.Record) bool {
	since, _ := e.unknown.LoadOrStore(schemaOf(r), time.Now())
	return time.Since(since.(time.Time)) >= unknownFor
}

// schemaOf is how a record names its schema: the magic byte and the id.
func schemaOf(r *record.Record) string { return string(r.Value[:min(5, len(r.Value))]) }
