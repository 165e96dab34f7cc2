//go:build linux

package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quintet-eda/quintet/pkg/store"
)

var things = tables(`CREATE TABLE things (id BIGINT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;`)

const insertThing = `INSERT INTO things (id, body) VALUES (?, ?)`

func countThings(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM things`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// didNotHappen holds an error to what a full disk says.
func didNotHappen(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, store.ErrUnknownOutcome) || !store.Transient(err) {
		t.Errorf("got %v, want a transient error of a known outcome", err)
	}
}

// The file may not grow, which SQLite tells in the words of a full disk. At a
// COMMIT only a real one does, so there the same error is put in its place.
func TestACommitThatFindsNoRoomDidNotHappen(t *testing.T) {
	db := migrate(t, openAt(t, filepath.Join(t.TempDir(), "test.db")), things)
	tx := begin(t, db)
	exec(t, tx, `PRAGMA max_page_count = 1`) // which means as many as there are
	full := tx.Exec(t.Context(), insertThing, 1, make([]byte, 1<<20))
	tx.Rollback(full)
	didNotHappen(t, full)
	db.SetFaults(store.Faults{BeforeCommit: func() error { return full }})
	didNotHappen(t, try(t, db, insertThing, 1, []byte("small")))
	db.SetFaults(store.Faults{})
	if got := countThings(t, db); got != 0 {
		t.Errorf("things: got %d, want 0", got)
	}
	run(t, db, insertThing, 1, []byte("small"))
}

func TestAFullDiskIsAKnownOutcome(t *testing.T) {
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k")
	if errors.Is(err, unix.EPERM) {
		t.Skip("only root may mount a small file system; TestACommitThatFindsNoRoomDidNotHappen needs none")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	path := filepath.Join(dir, "test.db")
	db := migrate(t, openAt(t, path), things)
	run(t, db, insertThing, 1, []byte("before"))
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(bytes.Repeat([]byte("x"), 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	for range 3 { // it stays known, however often it is tried
		tx := begin(t, db)
		exec(t, tx, insertThing, 2, bytes.Repeat([]byte("y"), 64<<10))
		didNotHappen(t, tx.Commit(t.Context()))
	}
	if got := countThings(t, db); got != 1 {
		t.Errorf("things while it is full: got %d, want 1", got)
	}
	// A process that crashes now leaves the log as it is for the next one.
	crashed := filepath.Join(t.TempDir(), "test.db")
	for _, part := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + part)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed+part, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := countThings(t, openAt(t, crashed)); got != 1 {
		t.Errorf("things after a crash: got %d, want 1", got)
	}
	if err := filler.Truncate(0); err != nil {
		t.Fatal(err)
	}
	run(t, db, insertThing, 2, []byte("after"))
	if got := countThings(t, db); got != 2 {
		t.Errorf("things after: got %d, want 2", got)
	}
}
