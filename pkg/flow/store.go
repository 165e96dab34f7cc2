package flow

import (
	"context"

	"github.com/quintet-eda/quintet/pkg/store"
)

// Store keeps a participant's states. Load and the batch's Save run inside the
// batch's transaction. Each takes a handful of statements, however many inputs the
// batch has.
type Store[S any] interface {
	// Load reads the states that the inputs are about, and locks them until the
	// transaction ends.
	Load(ctx context.Context, tx *store.Tx, inputs []*Input) (BatchState[S], error)
}

// BatchState is the states of one batch, in memory.
type BatchState[S any] interface {
	// State returns the state that the input is about, with all changes by earlier
	// inputs of the batch. A key without a state has the zero state.
	State(in *Input) S
	// Put replaces the state that the input is about by a reaction's new state.
	Put(in *Input, next S)
	// Save queues the writing of every state that changed.
	Save(tx *store.Tx)
}

// RowStore is the store of a participant whose states share nothing: one row of its
// table per key.
type RowStore[S any] struct {
	// Table has the key as its first column. Its field in the state is a string.
	Table store.Table[S]
}

// Load implements Store. Every batch of every instance locks the rows in the order of
// their keys: two batches never wait for each other.
func (r RowStore[S]) Load(ctx context.Context, tx *store.Tx, inputs []*Input) (BatchState[S], error) {
	u := &rows[S]{table: r.Table, states: map[string]*S{}, changed: map[string]bool{}}
	key := r.Table.Columns[0]
	r.Table.Load(tx, key+` IN ({keys}) ORDER BY `+key+` {lock}`, Keys(inputs), func(s *S) { u.states[*u.key(s)] = s })
	return u, tx.Flush(ctx)
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

// rows are the states of one batch.
type rows[S any] struct {
	table   store.Table[S]
	states  map[string]*S
	changed map[string]bool
	save    []*S // the changed states, in the order of their first change
}

func (u *rows[S]) key(s *S) *string { return u.table.Fields(s)[0].(*string) }

func (u *rows[S]) State(in *Input) (s S) {
	if known := u.states[in.Key]; known != nil {
		s = *known
	}
	return s
}

func (u *rows[S]) Put(in *Input, next S) {
	s := u.states[in.Key]
	if s == nil {
		s = new(S)
		u.states[in.Key] = s
	}
	*s = next
	*u.key(s) = in.Key
	if !u.changed[in.Key] {
		u.changed[in.Key] = true
		u.save = append(u.save, s)
	}
}

func (u *rows[S]) Save(tx *store.Tx) { u.table.Save(tx, u.save) }
