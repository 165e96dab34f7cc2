package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

var boxes = fstest.MapFS{"0001_boxes.sql": {Data: []byte("-- +goose Up\nCREATE TABLE boxes (id BIGINT PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= 0)) WITHOUT ROWID;\n")}}

func open(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "deep", "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	if err := db.Migrate(t.Context(), "own", boxes); err != nil {
		t.Fatal(err)
	}
	return db
}

func begin(t *testing.T, db *store.DB) *store.Tx {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func count(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM boxes`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(t *testing.T, tx *store.Tx, id, n int) error {
	t.Helper()
	_, err := tx.Exec(t.Context(), `INSERT INTO boxes (id, n) VALUES (?, ?)`, id, n)
	return err
}

func TestBulkWritesEveryRowInFewStatements(t *testing.T) {
	for _, rows := range []int{0, 1, 2, 3, 7, 255, 256, 495, 500, 511, 512, 513, 1300} {
		t.Run(strconv.Itoa(rows), func(t *testing.T) {
			db := open(t)
			statements := 0
			db.CountStatements(func(string) { statements++ })
			var args []any
			for i := range rows {
				args = append(args, i, i)
			}
			tx := begin(t, db)
			if err := tx.Bulk(t.Context(), `INSERT INTO boxes (id, n)`, 2, ``, args); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if got := count(t, db); got != rows {
				t.Errorf("rows: got %d, want %d", got, rows)
			}
			if rows <= 500 && statements > 8 {
				t.Errorf("%d rows took %d statements", rows, statements)
			}
		})
	}
}

func TestOnlyOneProcessHasTheDatabaseOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	first, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), path); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("second open: got %v, want %v", err, store.ErrInUse)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsTheDatasFaultIsNotTransient(t *testing.T) {
	db := open(t)
	tx := begin(t, db)
	check := insert(t, tx, 1, -1)
	if err := insert(t, tx, 2, 1); err != nil {
		t.Fatal(err)
	}
	double := insert(t, tx, 2, 1)
	tx.Rollback(double)
	closed := open(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	_, ended := closed.Begin(t.Context())
	var text *json.SyntaxError
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"none", nil, false},
		{"a broken CHECK", check, false},
		{"a key twice", double, false},
		{"a row that its reader cannot make sense of", fmt.Errorf("scan: %w", text), false},
		{"a database that is closed", ended, true},
		{"time is over", fmt.Errorf("load: %w", context.DeadlineExceeded), true},
		{"a broken connection", driver.ErrBadConn, true},
		{"a transaction that was ended", sql.ErrTxDone, true},
	} {
		if got := store.Transient(c.err); got != c.want {
			t.Errorf("%s (%v): got %v, want %v", c.name, c.err, got, c.want)
		}
	}
}

func TestMigrationsRunOnceAlsoBesideAWriterThatHasBegunBefore(t *testing.T) {
	db := open(t)
	tx := begin(t, db)
	if err := insert(t, tx, 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for set, files := range map[string]fstest.MapFS{"own": boxes, "other": {"0001_x.sql": {Data: []byte("-- +goose Up\nCREATE TABLE x (id BIGINT PRIMARY KEY);\n")}}} {
		for range 2 {
			if err := db.Migrate(ctx, set, files); err != nil {
				t.Fatalf("migrate %s: %v", set, err)
			}
		}
	}
	tx = begin(t, db)
	if err := insert(t, tx, 2, 2); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != 2 {
		t.Errorf("rows: got %d, want 2", got)
	}
}

func TestACommitThatFailsIsOfUnknownOutcomeAndTheNextTransactionWorks(t *testing.T) {
	broken := errors.New("connection lost")
	for name, c := range map[string]struct {
		faults store.Faults
		rows   int
	}{
		"it did not happen": {store.Faults{BeforeCommit: func() error { return broken }}, 1},
		"it happened":       {store.Faults{AfterCommit: func() error { return broken }}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			db.SetFaults(c.faults)
			tx := begin(t, db)
			if err := insert(t, tx, 1, 1); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(); !errors.Is(err, store.ErrUnknownOutcome) || !errors.Is(err, broken) {
				t.Fatalf("got %v, want %v", err, store.ErrUnknownOutcome)
			}
			db.SetFaults(store.Faults{})
			tx = begin(t, db)
			if err := insert(t, tx, 2, 2); err != nil { // the statement was prepared on a connection that is gone
				t.Fatal(err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if got := count(t, db); got != c.rows {
				t.Errorf("rows: got %d, want %d", got, c.rows)
			}
		})
	}
}

func TestATransactionThatOutlivesItsTimeLeavesNothingBehind(t *testing.T) {
	db := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := db.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(t, tx, 1, 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := tx.Commit(); !errors.Is(err, store.ErrUnknownOutcome) {
		t.Fatalf("got %v, want %v", err, store.ErrUnknownOutcome)
	}
	tx = begin(t, db)
	tx.Rollback(nil)
	if got := count(t, db); got != 0 {
		t.Errorf("rows: got %d, want 0", got)
	}
}

func TestAScanThatPanicsDoesNotHoldTheConnection(t *testing.T) {
	db := open(t)
	tx := begin(t, db)
	for i := range 3 {
		if err := insert(t, tx, i, i); err != nil {
			t.Fatal(err)
		}
	}
	func() {
		defer func() { _ = recover() }() // what is tested is what comes after
		_ = tx.Each(t.Context(), func(func(...any) error) error { panic("in a scan") }, `SELECT id FROM boxes`)
	}()
	tx.Rollback(errors.New("panicked"))
	done := make(chan error, 1)
	go func() {
		tx, err := db.Begin(context.Background())
		if err == nil {
			tx.Rollback(nil)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the next transaction never begins")
	}
}

func TestCloseWaitsForAnOpenTransaction(t *testing.T) {
	db := open(t)
	tx := begin(t, db)
	if err := insert(t, tx, 1, 1); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("closed under an open transaction: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
}

func TestReadersSeeCommittedRowsWhileATransactionIsOpen(t *testing.T) {
	db := open(t)
	tx := begin(t, db)
	if err := insert(t, tx, 1, 1); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != 0 {
		t.Errorf("rows seen before the commit: got %d, want 0", got)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != 1 {
		t.Errorf("rows seen after the commit: got %d, want 1", got)
	}
	if _, err := db.Read().ExecContext(t.Context(), `DELETE FROM boxes`); err == nil {
		t.Error("a reader could write")
	}
}
