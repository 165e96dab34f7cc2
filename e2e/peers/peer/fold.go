package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
)

// Input is one thing that a service reacts to, and what became of it.
type Input struct {
	flow.Input
	Trace record.Trace
	Reply json.RawMessage // to a command
	Err   error           // why the reaction refused it
}

// participant reads and folds the inputs of one service, in the service's own types.
type participant[S any] struct {
	service.Service[S]
	table        flow.Table[S]
	codec        *registry.Codec
	callHandlers map[string]flow.CallHandler
}

// read makes a record an input; nil when the service does not react to it.
func (p *participant[S]) read(ctx context.Context, r *record.Record) (*Input, error) {
	env := record.ReadEnvelope(r)
	if _, reacts := p.table[env.Type]; env.Type != "" && !reacts {
		return nil, nil
	}
	w, err := p.codec.Writer(ctx, r.Value, env.DataSchema)
	if err != nil {
		return nil, err
	}
	name, err := record.Explain(r, env.Type, w)
	if err != nil {
		return nil, err
	}
	reaction, reacts := p.table[name]
	if !reacts {
		return nil, nil
	}
	body, err := record.Decode(w, reaction.Decode)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	trace := env.Trace
	trace.CausationID = env.ID
	return &Input{Input: flow.Input{Kind: flow.KindEvent, Name: name, ID: env.Identity(r.Topic), Key: r.Key, Body: body}, Trace: trace}, nil
}

// fold loads the states that the inputs are about, runs the reactions, makes the calls
// they ask for, runs the reactions to the results, and saves. It returns the events.
func (p *participant[S]) fold(ctx context.Context, tx *store.Tx, inputs []*Input) ([]record.Record, error) {
	about := make([]*flow.Input, len(inputs))
	for i, in := range inputs {
		about[i] = &in.Input
	}
	states, err := p.Store.Load(ctx, tx, about)
	if err != nil {
		return nil, err
	}
	var records []record.Record
	for now := time.Now().UTC(); len(inputs) > 0; {
		var calls []call
		for _, in := range inputs {
			next, out, err := p.table[in.Name].React(p.Participant.Service, states.State(&in.Input), in.ID, now, in.Body)
			if err != nil {
				in.Err = err
				continue
			}
			states.Put(&in.Input, next)
			if records, err = p.encode(records, in, now, &out); err != nil {
				return nil, err
			}
			for n, effect := range out.Calls {
				id := flow.DeriveID(in.Key, in.ID, p.Participant.Service, flow.Name(effect), n)
				calls = append(calls, call{Call: flow.Call{ID: id, Key: in.Key, Traceparent: in.Trace.Traceparent}, trace: in.Trace, effect: effect})
			}
		}
		if inputs, err = perform(ctx, p.callHandlers, calls); err != nil {
			return nil, err
		}
	}
	states.Save(tx)
	return records, nil
}

// encode adds what a reaction put out, but for its calls. Timers are left out.
func (p *participant[S]) encode(records []record.Record, in *Input, now time.Time, out *flow.Outputs) ([]record.Record, error) {
	for n, ev := range out.Events {
		id := flow.DeriveID(in.Key, in.ID, p.Participant.Service, ev.EventType(), n)
		if in.Trace.CorrelationID == "" {
			in.Trace.CorrelationID = id // the first event of the story
		}
		value, dataSchema, err := p.codec.Encode(ev.EventType(), ev)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", ev.EventType(), err)
		}
		event := record.Event{ID: id, Owner: ev.EventOwner(), Type: ev.EventType(), Key: in.Key, Time: now, DataSchema: dataSchema, Trace: in.Trace}
		records = append(records, record.Record{Topic: flow.Topic(ev.EventOwner()), Key: in.Key, Value: value, Headers: event.Headers()})
	}
	if out.Reply == nil {
		return records, nil
	}
	reply, err := json.Marshal(out.Reply)
	in.Reply = reply
	return records, err
}
