package flowtest

import (
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

// OpenDB opens a new SQLite database with the kit's tables and a participant's own. It
// lives as long as the test.
func OpenDB(t testing.TB, own fs.FS) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := engine.Migrate(t.Context(), db, "own", own); err != nil {
		t.Fatal(err)
	}
	return db
}

// Save writes states as a batch does, each under its key. The error is the database's.
func Save[S any](t testing.TB, db *store.DB, s flow.Store[S], states map[string]S) error {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]*flow.Input{}
	for key := range states {
		inputs[key] = &flow.Input{Key: key}
	}
	unit, err := s.Load(t.Context(), tx, slices.Collect(maps.Values(inputs)))
	if err != nil {
		tx.Rollback(err)
		t.Fatal(err)
	}
	for key, state := range states {
		unit.Put(inputs[key], state)
	}
	unit.Save(tx)
	return tx.Commit(t.Context())
}

// Load reads states as a batch does.
func Load[S any](t testing.TB, db *store.DB, s flow.Store[S], keys ...string) map[string]S {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(nil)
	var inputs []*flow.Input
	for _, key := range keys {
		inputs = append(inputs, &flow.Input{Key: key})
	}
	unit, err := s.Load(t.Context(), tx, inputs)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]S{}
	for _, in := range inputs {
		found[in.Key] = unit.State(in)
	}
	return found
}
