package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// Tx is a write transaction. Its statements are prepared once per connection
// and kept, so a text must not carry values.
type Tx struct {
	db *DB
	tx *sql.Tx
}

// Exec runs one statement.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, args...)
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
	rows, err := s.QueryContext(ctx, args...)
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

// Keys binds a list of keys to one {keys} in a statement.
func Keys[K any](keys []K) string {
	b, err := json.Marshal(keys)
	if err != nil {
		panic(err) // keys are strings and numbers, which always marshal
	}
	return string(b)
}

// Bulk writes rows of a fixed width with few statements: into is the text up
// to VALUES, conflict what follows the rows. The rows go out in chunks of
// powers of two, so up to 500 rows take at most eight statements (the bits of
// their number), and at most ten texts are ever prepared per table.
func (tx *Tx) Bulk(ctx context.Context, into string, width int, conflict string, values []any) error {
	rows := len(values) / width
	for rows > 0 {
		n := min(1<<(bits.Len(uint(rows))-1), maxChunk)
		if _, err := tx.Exec(ctx, bulkText(into, width, n, conflict), values[:n*width]...); err != nil {
			return err
		}
		values = values[n*width:]
		rows -= n
	}
	return nil
}

// maxChunk keeps rows times width under SQLite's bound of 32,766 parameters
// for tables of up to 60 columns.
const maxChunk = 512

func bulkText(into string, width, rows int, conflict string) string {
	row := "(" + strings.Repeat("?,", width-1) + "?)"
	return into + " VALUES " + strings.Repeat(row+",", rows-1) + row + " " + conflict
}

func (tx *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if tx.db.counted != nil {
		tx.db.counted(query)
	}
	if s, ok := tx.db.stmts[query]; ok {
		return s, nil
	}
	s, err := tx.db.conn.PrepareContext(ctx, translate(query))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", head(query), err)
	}
	tx.db.stmts[query] = s
	return s, nil
}

// Commit ends the transaction. A failed commit is of unknown outcome: the
// database may have written it and lost only the answer.
func (tx *Tx) Commit() error {
	defer tx.db.mu.Unlock()
	if f := tx.db.faults.BeforeCommit; f != nil {
		if err := f(); err != nil {
			_ = tx.tx.Rollback()
			tx.db.dropConn()
			return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
	}
	err := tx.tx.Commit()
	if err == nil && tx.db.faults.AfterCommit != nil {
		err = tx.db.faults.AfterCommit()
	}
	if err != nil {
		_ = tx.tx.Rollback() // a commit that failed may have left the transaction open
		tx.db.dropConn()
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return nil
}

// Rollback undoes the transaction. cause tells why; a cause that is about the
// connection and not about the data also gives up the connection.
func (tx *Tx) Rollback(cause error) {
	defer tx.db.mu.Unlock()
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
