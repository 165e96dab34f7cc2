// Package peer is what the arms of a comparison share: the five services as they are,
// without the runtime that Quintet gives them. An arm is another [Runtime] for them.
package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
)

// Runtime runs one service in the way of an arm.
type Runtime interface {
	// Run reads topics and publishes until ctx ends.
	Run(ctx context.Context) error
	// Submit takes a request of the service's HTTP API.
	Submit(ctx context.Context, c engine.Command) (json.RawMessage, error)
}

// Open makes the runtime of an arm.
type Open func(*Peer) (Runtime, error)

// Peer is one service, to be run in some way.
type Peer struct {
	Service string
	Config  service.Config
	Topics  []string // what it reads
	DB      *Pool
	Log     *slog.Logger
	Ready   func() // to be called once topics are read

	// Read makes a record an input; nil when the service does not react to it.
	Read    func(context.Context, *record.Record) (*Input, error)
	fold    func(context.Context, *store.Tx, []*Input) ([]record.Record, error)
	changed func(keys []string)
}

// Publish is how an arm gets events out of the transaction that they were made in.
type Publish func(context.Context, *store.Tx, []record.Record) error

// Once handles an input in a transaction of its own: inbox, state, reaction, outbox.
func (p *Peer) Once(ctx context.Context, in *Input, publish Publish) error {
	keys := []string{in.Key}
	err := p.DB.Do(ctx, func(tx *store.Tx) error {
		if err := lock(ctx, tx, keys); err != nil {
			return err
		}
		if in.Kind == flow.KindEvent {
			if fresh, err := enter(ctx, tx, in.ID); err != nil || !fresh {
				return err
			}
		}
		records, err := p.fold(ctx, tx, []*Input{in})
		if err := errors.Join(err, in.Err); err != nil {
			return err
		}
		return publish(ctx, tx, records)
	})
	p.tell(err, keys)
	return err
}

// Batch folds inputs in one transaction, without an inbox. It returns the events,
// which nobody has once the process dies.
func (p *Peer) Batch(ctx context.Context, inputs []*Input) (records []record.Record, err error) {
	keys := make([]string, len(inputs))
	for i, in := range inputs {
		keys[i] = in.Key
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	err = p.DB.Do(ctx, func(tx *store.Tx) error {
		if err := lock(ctx, tx, keys); err != nil {
			return err
		}
		records, err = p.fold(ctx, tx, inputs)
		return err
	})
	p.tell(err, keys)
	return records, err
}

func (p *Peer) tell(err error, keys []string) {
	if err == nil && p.changed != nil {
		p.changed(keys)
	}
}

// Command makes a request an input.
func Command(c engine.Command) *Input {
	id := c.IdempotencyKey
	if id == "" {
		id = uuid.NewString()
	}
	return &Input{
		Input: flow.Input{Kind: flow.KindCommand, Name: flow.Name(c.Body), ID: "command/" + id, Key: c.Key, Body: c.Body},
		Trace: record.Trace{Tenant: c.Tenant, Traceparent: c.Traceparent},
	}
}

// Answer is what the caller of a command is told.
func Answer(in *Input, err error) (json.RawMessage, error) {
	switch {
	case errors.Is(err, store.ErrUnknownOutcome):
		return nil, fmt.Errorf("%w: %w", engine.ErrOutcomeUnknown, err)
	case in.Err != nil:
		return nil, in.Err
	case err != nil && store.Transient(err):
		return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return in.Reply, err
}

// lock has those wait who handle the same keys at the same time: events of one order
// come from several topics, and its row may not be there yet to be locked.
func lock(ctx context.Context, tx *store.Tx, keys []string) error {
	return tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(k.key, 0)) FROM ({keys}) AS k`, store.Keys(keys))
}

// enter reports whether the event is a new one.
func enter(ctx context.Context, tx *store.Tx, id string) (fresh bool, err error) {
	err = tx.Each(ctx, func(scan func(...any) error) error { fresh = true; return scan(new(string)) }, `INSERT INTO inbox (id) VALUES (?) ON CONFLICT DO NOTHING RETURNING id`, id)
	return fresh, err
}
