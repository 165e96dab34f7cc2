package store_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func migrationsRunOnceAlsoBesideAWriterThatBeganBefore(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	run(t, db, insertBox, 1, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for set, files := range map[string]fstest.MapFS{"own": boxes, "other": tables(`CREATE TABLE x (id BIGINT PRIMARY KEY);`)} {
		for range 2 {
			if err := db.Migrate(ctx, set, files); err != nil {
				t.Fatalf("migrate %s: %v", set, err)
			}
		}
	}
	run(t, db, insertBox, 2, 2)
	if got := countBoxes(t, db); got != 2 {
		t.Errorf("rows: got %d, want 2", got)
	}
}

func aMigrationThatFailsLeavesNothingBehind(t *testing.T, open opener) {
	db := open(t)
	wrong := tables(`CREATE TABLE marks (id TEXT PRIMARY KEY);
INSERT INTO marks (id) VALUES ('a');
INSERT INTO marks (id) VALUES ('a');`)
	if err := db.Migrate(t.Context(), "own", wrong); err == nil {
		t.Fatal("a key twice was taken")
	}
	write(t, migrate(t, db, marks), []string{"a"})
}

// later is what a next version brings: it only adds, and what the version
// before does not know has a default.
var later = tables(
	`CREATE TABLE marks (id TEXT PRIMARY KEY, n BIGINT NOT NULL) WITHOUT ROWID;`,
	`ALTER TABLE marks ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';
CREATE TABLE colours (name TEXT PRIMARY KEY) WITHOUT ROWID;`)

func theVersionBeforeStartsOnANewerSchemaAndWorksWithIt(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	write(t, db, []string{"before"})
	migrate(t, db, later)
	migrate(t, db, marks) // the version before starts again
	write(t, db, []string{"old"})
	run(t, db, `INSERT INTO marks (id, n, colour) VALUES (?, ?, ?)`, "new", 1, "red")
	migrate(t, db, later)
	got := texts(t, db, `SELECT id || ' ' || colour FROM marks ORDER BY id`)
	if diff := cmp.Diff([]string{"before grey", "new red", "old grey"}, got); diff != "" {
		t.Error(diff)
	}
}
