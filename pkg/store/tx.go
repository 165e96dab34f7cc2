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
	db *DB
	tx *sql.Tx
}

// Shared reports whether other processes may write to the database.
func (tx *Tx) Shared() bool { return tx.db.Shared() }

// Exec runs one statement.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, tx.db.dialect.bind(args)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", head(query), err)
	}
	return res, nil
}

// Query runs one query. The rows must be closed before the next statement:
// there is one connection.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, tx.db.dialect.bind(args)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", head(query), err)
	}
	return rows, nil
}

// Each runs a query and calls scan for every row of it.
func (tx *Tx) Each(ctx context.Context, scan func(scan func(dst ...any) error) error, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() // also when scan panics: an open row would keep the connection from being given up
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return fmt.Errorf("%s: %w", head(query), err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("%s: %w", head(query), err)
	}
	return nil
}

func (tx *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if tx.db.counted != nil {
		tx.db.counted(query)
	}
	if s, ok := tx.db.stmts[query]; ok {
		return s, nil
	}
	s, err := tx.db.conn.PrepareContext(ctx, tx.db.dialect.statement(query))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", head(query), err)
	}
	tx.db.stmts[query] = s
	return s, nil
}

// Commit ends the transaction. It returns ErrUnknownOutcome when the database
// may have written it and lost only the answer; any other error is its word that
// it did not, and is transient when a later commit may succeed.
func (tx *Tx) Commit() error {
	err := tx.commit()
	if late := (LandsLater{}); errors.As(err, &late) {
		return tx.landLater(late)
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

// idle reports whether the connection is out of its transaction, which it is if
// another can begin. database/sql does not tell.
func (db *DB) idle() bool {
	tx, err := db.conn.BeginTx(context.Background(), nil)
	return err == nil && tx.Rollback() == nil
}

func (tx *Tx) commit() error {
	faults := tx.db.faults.Load()
	if err := happen(faults.BeforeCommit); err != nil {
		return err
	}
	if err := tx.tx.Commit(); err != nil {
		return err
	}
	return happen(faults.AfterCommit)
}

// Rollback undoes the transaction. cause tells why; a cause that is about the
// connection and not about the data also gives up the connection.
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
