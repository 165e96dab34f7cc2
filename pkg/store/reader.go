package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// Reader is the read-only pool. A statement is written as for a Tx.
type Reader struct {
	dialect dialect
	pool    *sql.DB
	db      *DB
	stmts   sync.Map // prepared, by their text
}

// readers bounds the read pool. Reads are short: those of clients, of the engine and of
// tests. A few connections serve many, and each costs memory.
const readers = 4

// QueryContext runs a query. Its statement is prepared once per connection and
// kept, so a text must not carry values. Rows must not be held open across a wait:
// an old read keeps SQLite's log from being folded back.
func (r *Reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if fault := r.db.faults.Load().Read; fault != nil {
		if err := fault(query); err != nil {
			return nil, err
		}
	}
	s, err := r.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	r.db.asked.trip(1)
	return s.QueryContext(ctx, r.dialect.sought(args)...)
}

func (r *Reader) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := r.stmts.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := r.pool.PrepareContext(ctx, r.dialect.statement(query))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", head(query), err)
	}
	if kept, twice := r.stmts.LoadOrStore(query, s); twice {
		_ = s.Close() // another caller was first
		return kept.(*sql.Stmt), nil
	}
	return s, nil
}

// QueryRowContext runs a query for one row; Scan returns sql.ErrNoRows when
// there is none.
func (r *Reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r.db.asked.trip(1)
	return r.pool.QueryRowContext(ctx, r.dialect.statement(query), r.dialect.sought(args)...)
}
