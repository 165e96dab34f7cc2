package store

import (
	"context"
	"database/sql"
)

// Reader is the read-only pool. A statement is written as for a Tx.
type Reader struct {
	dialect dialect
	pool    *sql.DB
	db      *DB
}

// readers bounds the read pool. Reads are point look-ups for people and
// tests; a few connections serve many, and each costs memory.
const readers = 4

// QueryContext runs a query. Rows must not be held open across a wait: an old
// read keeps SQLite's log from being folded back.
func (r *Reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if fault := r.db.faults.Load().Read; fault != nil {
		if err := fault(query); err != nil {
			return nil, err
		}
	}
	return r.pool.QueryContext(ctx, r.dialect.statement(query), r.dialect.sought(args)...)
}

// QueryRowContext runs a query for one row; Scan returns sql.ErrNoRows when
// there is none.
func (r *Reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return r.pool.QueryRowContext(ctx, r.dialect.statement(query), r.dialect.sought(args)...)
}
