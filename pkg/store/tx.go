package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Tx is a write transaction. Its statements are prepared once per connection
// and kept, so a text must not carry values.
type Tx struct {
	db    *DB
	tx    *sql.Tx
	queue []statement
	err   error // of a statement that could not be queued
}

// statement is a queued statement.
type statement struct {
	query string
	args  []any
	row   func(scan func(dst ...any) error) error // nil: it returns none
}

// Shared reports whether other processes may write to the database.
func (tx *Tx) Shared() bool { return tx.db.Shared() }

// Queue queues a statement for the next Flush, after the statements queued before it.
// Flush calls row, which may be nil, for every row that the statement returns.
//
// A round trip to PostgreSQL costs more than most statements. All queued statements
// take one together.
func (tx *Tx) Queue(row func(scan func(dst ...any) error) error, query string, args ...any) {
	if tx.db.counted != nil {
		tx.db.counted(query)
	}
	tx.queue = append(tx.queue, statement{query, args, row})
}

// fail makes the next Flush return an error and run no statement.
func (tx *Tx) fail(err error) { tx.err = errors.Join(tx.err, err) }

// Flush runs the queued statements in order. The first statement that fails ends it.
func (tx *Tx) Flush(ctx context.Context) error {
	queued, err := tx.queue, tx.err
	tx.queue, tx.err = nil, nil
	if err != nil {
		return err
	}
	if len(queued) == 0 {
		return nil
	}
	tx.db.asked.trip(int64(len(queued)))
	return tx.db.dialect.run(ctx, tx.db, queued)
}

// Each runs a query now, after the queued statements, and calls row for each of its rows.
func (tx *Tx) Each(ctx context.Context, row func(scan func(dst ...any) error) error, query string, args ...any) error {
	tx.Queue(row, query, args...)
	return tx.Flush(ctx)
}

// Exec runs a statement now, after the queued statements.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) error {
	return tx.Each(ctx, nil, query, args...)
}

// Commit runs the queued statements and ends the transaction. It returns
// ErrUnknownOutcome when the database may have committed and lost only the answer. Any
// other error means that the database did not commit. That error is transient when a
// later commit may succeed.
func (tx *Tx) Commit(ctx context.Context) error {
	if err := tx.Flush(ctx); err != nil {
		tx.Rollback(err)
		return err
	}
	err := tx.commit()
	if late := (CommitsLater{}); errors.As(err, &late) {
		return tx.commitLater(late)
	}
	defer tx.db.giveTurn()
	if err == nil {
		return nil
	}
	_ = tx.tx.Rollback() // a commit that failed may have left the transaction open
	undone := unwritten(err) && tx.db.idle()
	tx.db.dropConn()
	if undone || refused(err) {
		return fmt.Errorf("commit: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// idle reports whether the connection is out of its transaction: then another can
// begin. database/sql does not report it.
func (db *DB) idle() bool {
	tx, err := db.conn.BeginTx(context.Background(), nil)
	return err == nil && tx.Rollback() == nil
}

func (tx *Tx) commit() error {
	faults := tx.db.faults.Load()
	if err := happen(faults.BeforeCommit); err != nil {
		return err
	}
	tx.db.asked.trip(1)
	if err := tx.tx.Commit(); err != nil {
		return err
	}
	return happen(faults.AfterCommit)
}

// Rollback undoes the transaction. cause is the reason. With a cause that is about the
// database and not about the data, Rollback also drops the connection.
func (tx *Tx) Rollback(cause error) {
	defer tx.db.giveTurn()
	if err := tx.tx.Rollback(); err != nil || Transient(cause) {
		tx.db.dropConn()
	}
}

func head(query string) string {
	text := strings.Join(strings.Fields(query), " ")
	if len(text) > 60 {
		text = text[:60]
	}
	return text
}
