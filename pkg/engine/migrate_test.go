package engine_test

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/store"
)

// tablesBefore opens a database as the version before has it.
func tablesBefore(t *testing.T, where string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), "kit", os.DirFS("migrations")); err != nil {
		t.Fatal(err)
	}
	if !db.Shared() {
		return db
	}
	leases, err := os.ReadFile("migrations/shared/0001_leases.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), "kit_shared", fstest.MapFS{"0001_leases.sql": {Data: leases}}); err != nil {
		t.Fatal(err)
	}
	return db
}

// Rows that wait in the tables when the version before is replaced lie in any order.
func TestBeforeItsTablesAreMigrated(t *testing.T) {
	t.Parallel()
	db := tablesBefore(t, database(t))
	w := &world{t: t, db: db}
	for _, seq := range []int{3, 1, 2} {
		w.exec(fmt.Sprintf(`INSERT INTO outbox (id, topic, key, seq, headers, value) VALUES ('o%d', 'tally.events', 'k', %d, '[]', 'x')`, seq, seq))
		w.exec(fmt.Sprintf(`INSERT INTO parked (lane, key, n, input_id, input, cause, attempts, dead) VALUES ('l', 'k', %d, 'i', 'x', '', 0, 0)`, seq))
	}
	if err := engine.Migrate(t.Context(), db, "own", fstest.MapFS{"0001_tallies.sql": {Data: []byte(tables)}}); err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO outbox (id, topic, key, seq, headers, value) VALUES ('o4', 'tally.events', 'k', 4, '[]', 'x')`)
	equal(t, "order of publishing", w.one(`SELECT string_agg(id, ' ' ORDER BY n) FROM outbox`), "o1 o2 o3 o4")
	equal(t, "rows of no shard", w.one(`SELECT (SELECT count(*) FROM outbox WHERE shard < 0) + (SELECT count(*) FROM parked WHERE shard < 0)`), "0")
	equal(t, "heads", w.one(`SELECT string_agg(CAST(n AS TEXT), ' ') FROM parked WHERE due = 0`), "1")
}
