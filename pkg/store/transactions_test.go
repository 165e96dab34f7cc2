package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/store"
)

func whatIsTheDatasFaultIsNotTransient(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	check := try(t, db, insertBox, 1, -1)
	run(t, db, insertBox, 2, 1)
	double := try(t, db, insertBox, 2, 1)
	missing := try(t, db, insertBox, 3, nil)
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
		{"a value that is missing", missing, false},
		{"a row that its reader cannot make sense of", fmt.Errorf("scan: %w", text), false},
		{"a database that is closed", ended, true},
		{"time is over", fmt.Errorf("load: %w", context.DeadlineExceeded), true},
		{"a broken connection", driver.ErrBadConn, true},
		{"a transaction that was ended", sql.ErrTxDone, true},
	} {
		if got := store.Transient(c.err); got != c.want || c.err == nil && c.name != "none" {
			t.Errorf("%s (%v): got %v, want %v", c.name, c.err, got, c.want)
		}
	}
}

func aTableThatIsMissingIsNobodysFault(t *testing.T, open opener) {
	db := open(t)
	if err := try(t, db, insertBox, 1, 1); !store.Transient(err) {
		t.Errorf("got %v, want an error that every input would meet", err)
	}
	migrate(t, db, boxes)
	run(t, db, insertBox, 1, 1)
}

func aCommitThatFailsIsOfUnknownOutcomeAndTheNextWorks(t *testing.T, open opener) {
	broken := errors.New("connection lost")
	for name, c := range map[string]struct {
		faults store.Faults
		rows   int
	}{
		"it did not happen": {store.Faults{BeforeCommit: func() error { return broken }}, 1},
		"it happened":       {store.Faults{AfterCommit: func() error { return broken }}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			db := migrate(t, open(t), boxes)
			db.SetFaults(c.faults)
			tx := begin(t, db)
			exec(t, tx, insertBox, 1, 1)
			if err := tx.Commit(t.Context()); !errors.Is(err, store.ErrUnknownOutcome) || !errors.Is(err, broken) {
				t.Fatalf("got %v, want %v", err, store.ErrUnknownOutcome)
			}
			db.SetFaults(store.Faults{})
			run(t, db, insertBox, 2, 2) // the statement was prepared on a connection that is gone
			if got := countBoxes(t, db); got != c.rows {
				t.Errorf("rows: got %d, want %d", got, c.rows)
			}
		})
	}
}

func aTransactionPastItsTimeIsWholeOrNot(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := db.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, tx, insertBox, 1, 1)
	cancel()
	// What undoes a transaction may come between two statements of it.
	for id := 2; id < 100 && err == nil; id++ {
		err = tx.Exec(ctx, insertBox, id, 1)
	}
	want := 99
	switch {
	case err != nil:
		tx.Rollback(err)
		want = 0
	case errors.Is(tx.Commit(ctx), store.ErrUnknownOutcome):
		want = 0
	}
	tx = begin(t, db)
	tx.Rollback(nil)
	if got := countBoxes(t, db); got != want {
		t.Errorf("rows: got %d, want %d", got, want)
	}
}

func aScanThatPanicsDoesNotHoldTheConnection(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	tx := begin(t, db)
	for i := range 3 {
		exec(t, tx, insertBox, i, i)
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

func closeWaitsForAnOpenTransaction(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	tx := begin(t, db)
	exec(t, tx, insertBox, 1, 1)
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("closed under an open transaction: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	commit(t, tx)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
}

func readersSeeCommittedRowsWhileATransactionIsOpen(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	tx := begin(t, db)
	exec(t, tx, insertBox, 1, 1)
	if got := countBoxes(t, db); got != 0 {
		t.Errorf("rows seen before the commit: got %d, want 0", got)
	}
	commit(t, tx)
	if got := countBoxes(t, db); got != 1 {
		t.Errorf("rows seen after the commit: got %d, want 1", got)
	}
}

func readersCannotWrite(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	run(t, db, insertBox, 1, 1)
	var id int
	if err := db.Read().QueryRowContext(t.Context(), `DELETE FROM boxes RETURNING id`).Scan(&id); err == nil {
		t.Error("a reader could write")
	}
	if got := countBoxes(t, db); got != 1 {
		t.Errorf("rows: got %d, want 1", got)
	}
}

func whatIsQueuedRunsInItsOrder(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	tx := begin(t, db)
	var seen []int
	look := func(scan func(...any) error) error {
		var n int
		err := scan(&n)
		seen = append(seen, n)
		return err
	}
	const query = `SELECT n FROM boxes ORDER BY id`
	tx.Queue(nil, insertBox, 1, 10)
	tx.Queue(look, query)
	tx.Queue(nil, `UPDATE boxes SET n = n + 1`)
	if len(seen) != 0 {
		t.Errorf("read before the flush: %v", seen)
	}
	if err := tx.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx.Queue(nil, insertBox, 2, 20)
	if err := tx.Each(t.Context(), look, query); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{10, 11, 20}, seen); diff != "" {
		t.Error(diff)
	}
	tx.Queue(nil, insertBox, 3, 30)
	commit(t, tx)
	if n := countBoxes(t, db); n != 3 {
		t.Errorf("boxes: got %d, want 3", n)
	}
}

func whatIsQueuedFailsBeforeTheCommit(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	for name, end := range map[string]func(*store.Tx) error{
		"by a flush": func(tx *store.Tx) error {
			err := tx.Flush(t.Context())
			tx.Rollback(err)
			return err
		},
		"by the commit": func(tx *store.Tx) error { return tx.Commit(t.Context()) },
	} {
		tx := begin(t, db)
		behind := false
		tx.Queue(nil, insertBox, 1, 1)
		tx.Queue(nil, insertBox, 2, -1) // breaks the check
		tx.Queue(func(func(...any) error) error { behind = true; return nil }, `SELECT n FROM boxes`)
		if err := end(tx); err == nil || store.Transient(err) || errors.Is(err, store.ErrUnknownOutcome) || !strings.Contains(err.Error(), "INSERT INTO boxes") {
			t.Errorf("%s: got %v, want the statement that the data broke", name, err)
		}
		if n := countBoxes(t, db); behind || n != 0 {
			t.Errorf("%s: %d boxes are left, and what is behind ran: %t", name, n, behind)
		}
		run(t, db, insertBox, 7, 7) // the next transaction works
		run(t, db, `DELETE FROM boxes`)
	}
}
