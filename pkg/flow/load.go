package flow

import (
	"context"

	"github.com/quintet-eda/quintet/pkg/store"
)

// load reads everything that the batch is about, in the lock order of every
// batch: positions, keys, the kit's rows of them, and last the participant's
// states, which may share rows between keys.
func (e *Engine[S]) load(ctx context.Context, tx *store.Tx, w *work) (Unit[S], error) {
	if err := w.load(ctx, tx); err != nil {
		return nil, err
	}
	reacting := make([]*Input, 0, len(w.inputs))
	for _, in := range w.inputs {
		if in.Body != nil && in.unreadable == nil { // what only parks must not fail over its state again
			reacting = append(reacting, in)
		}
	}
	return e.Store.Load(ctx, tx, reacting)
}
