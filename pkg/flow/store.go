package flow

import (
	"context"

	"github.com/quintet-eda/quintet/pkg/store"
)

// Store keeps a participant's states. Load and the unit's Save run inside the
// batch's transaction, each with a handful of statements however many inputs
// there are.
type Store[S any] interface {
	// Load reads the states that the inputs are about, under lock until the
	// transaction ends.
	Load(ctx context.Context, tx *store.Tx, inputs []*Input) (Unit[S], error)
}

// Unit is the states of one batch, in memory.
type Unit[S any] interface {
	// State returns the state that the input is about, with all that earlier
	// inputs of the batch did to it; the zero state for a key never seen.
	State(in *Input) S
	// Absorb takes a reaction's new state.
	Absorb(in *Input, next S)
	// Save queues the writing of every state that changed.
	Save(tx *store.Tx) error
}

// ByKey is the store of a participant whose states share nothing: one state
// per key.
type ByKey[S any] struct {
	// Select returns the states of those keys that have one.
	Select func(ctx context.Context, tx *store.Tx, keys []string) (map[string]S, error)
	// Upsert queues the writing of states by key.
	Upsert func(tx *store.Tx, keys []string, states []S) error
}

// Load implements Store.
func (b ByKey[S]) Load(ctx context.Context, tx *store.Tx, inputs []*Input) (Unit[S], error) {
	states := map[string]S{}
	if keys := Keys(inputs); len(keys) > 0 {
		found, err := b.Select(ctx, tx, keys)
		if err != nil {
			return nil, err
		}
		if found != nil { // else none of the keys has a state yet
			states = found
		}
	}
	return &keyed[S]{states: states, dirty: map[string]bool{}, upsert: b.Upsert}, nil
}

// Keys returns the keys of inputs, each once, in the order of their first
// appearance.
func Keys(inputs []*Input) []string {
	keys := make([]string, 0, len(inputs))
	seen := make(map[string]bool, len(inputs))
	for _, in := range inputs {
		if in.Key != "" && !seen[in.Key] {
			seen[in.Key] = true
			keys = append(keys, in.Key)
		}
	}
	return keys
}

type keyed[S any] struct {
	states map[string]S
	dirty  map[string]bool
	order  []string // of first change, so that a batch writes in a stable order
	upsert func(*store.Tx, []string, []S) error
}

func (k *keyed[S]) State(in *Input) S { return k.states[in.Key] }

func (k *keyed[S]) Absorb(in *Input, next S) {
	k.states[in.Key] = next
	if !k.dirty[in.Key] {
		k.dirty[in.Key] = true
		k.order = append(k.order, in.Key)
	}
}

func (k *keyed[S]) Save(tx *store.Tx) error {
	if len(k.order) == 0 {
		return nil
	}
	states := make([]S, len(k.order))
	for i, key := range k.order {
		states[i] = k.states[key]
	}
	return k.upsert(tx, k.order, states)
}
