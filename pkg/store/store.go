// Package store opens a service's own database. It gives a batch one transaction at a
// time, statements that carry many rows, and a pool of readers. A reader never makes
// the writer wait.
//
// There is one writer per process. It is a single connection, so statements
// are prepared once and a transaction never meets another of its own process.
//
// SQLite is a file that one process has open. PostgreSQL is shared: a batch locks the
// rows that it read ({lock}), and processes wake each other (Signal, Listen). SQL is
// written once, in the words that both understand: TEXT, BIGINT, INTEGER (also for yes
// and no), BLOB, ? for a parameter, IN ({keys}) for a set. sqlite.go and postgres.go
// hold the spelling of each, with tables.go for migrations. One suite of tests holds
// both to the same behaviour.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

var (
	// ErrInUse is returned when another process has the SQLite file open. A
	// service keeps timers and hand-offs in memory, so two processes over one
	// file would each assume to be the only one.
	ErrInUse = errors.New("database is in use by another process")
	// ErrUnknownOutcome is returned by Commit when the database did not report
	// whether it committed. The caller must discard its copy in memory, and read
	// again before it goes on.
	ErrUnknownOutcome = errors.New("outcome of the commit is unknown")

	// errNotBegun marks a transaction that saw no data, so that no data is at fault.
	errNotBegun = errors.New("begin transaction")
)

// DB is a service's database.
type DB struct {
	dialect   dialect
	read      *Reader
	write     *sql.DB
	lock      *os.File        // SQLite's; nil for PostgreSQL
	config    *pgx.ConnConfig // PostgreSQL's; nil for SQLite
	simulated *Simulated      // nil in reality
	turn      chan struct{}   // full from Begin to Commit or Rollback
	conn      *sql.Conn
	stmts     map[string]*sql.Stmt // SQLite's, of the connection
	texts     map[string]string    // PostgreSQL's, of statements
	counted   func(query string)
	asked     Asked
	faults    atomic.Pointer[Faults]
}

// Asked counts the requests to the database since it was opened.
type Asked struct {
	Statements atomic.Int64
	Trips      atomic.Int64 // to PostgreSQL and back; statements that go together take one
}

// Asked returns the counters. They go on counting.
func (db *DB) Asked() *Asked { return &db.asked }

func (a *Asked) trip(statements int64) {
	a.Statements.Add(statements)
	a.Trips.Add(1)
}

// Faults are places where a test makes the database fail as real ones do, or
// wait. The zero value never does.
type Faults struct {
	// Begin runs before a transaction begins, once it is its turn. Its error is
	// returned as the database's.
	Begin func() error
	// Read runs before a query of the reader, but not before one for a single row.
	Read func(query string) error
	// Signal runs before a signal goes out. With an error no process gets the signal.
	Signal func() error
	// BeforeCommit runs before the commit, and replaces it when it returns an error.
	// Commit then rolls back, and returns the error as an unknown outcome, unless it
	// is the database's refusal. An error may also be CommitsLater.
	BeforeCommit func() error
	// AfterCommit runs once the commit has happened. Commit returns its error as an
	// unknown outcome, as from a connection that broke on the answer.
	AfterCommit func() error
}

// Open opens the database at where: a postgres:// URL, or the path of an SQLite
// file. An acknowledged commit survives a power cut, at the price of one fsync per
// batch.
func Open(ctx context.Context, where string) (*DB, error) {
	if strings.HasPrefix(where, "postgres://") {
		return openPostgres(ctx, where)
	}
	return openSQLite(ctx, where)
}

func newDB(d dialect, write, read *sql.DB) *DB {
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(readers)
	db := &DB{dialect: d, write: write, turn: make(chan struct{}, 1), stmts: map[string]*sql.Stmt{}, texts: map[string]string{}}
	db.read = &Reader{dialect: d, pool: read, db: db}
	db.faults.Store(&Faults{})
	return db
}

// Shared reports whether other processes may write to the database.
func (db *DB) Shared() bool { return db.dialect.shared }

// Read returns the read-only pool.
func (db *DB) Read() *Reader { return db.read }

// SetFaults makes the database fail as described, for tests.
func (db *DB) SetFaults(f Faults) { db.faults.Store(&f) }

// happen runs a fault, if it is set.
func happen(fault func() error) error {
	if fault == nil {
		return nil
	}
	return fault()
}

// CountStatements calls f with each statement that the writer queues, for tests that
// hold a batch to its bound.
func (db *DB) CountStatements(f func(query string)) {
	db.turn <- struct{}{}
	defer db.giveTurn()
	db.counted = f
}

// Close closes the database. It waits for a transaction that is open.
func (db *DB) Close() error {
	db.turn <- struct{}{}
	defer db.giveTurn()
	db.dropConn()
	err := errors.Join(db.read.pool.Close(), db.write.Close())
	if db.lock != nil {
		err = errors.Join(err, db.lock.Close())
	}
	return err
}

func (db *DB) giveTurn() { <-db.turn }

// Begin starts the one write transaction, waiting for its turn until ctx ends.
func (db *DB) Begin(ctx context.Context) (*Tx, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", errNotBegun, ctx.Err())
	}
	select {
	case db.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNotBegun, ctx.Err())
	}
	if err := happen(db.faults.Load().Begin); err != nil {
		db.giveTurn()
		return nil, fmt.Errorf("%w: %w", errNotBegun, err)
	}
	kept := db.conn != nil
	tx, err := db.begin(ctx)
	if err != nil && kept && ctx.Err() == nil {
		// The connection broke between transactions: the server restarted, or
		// ended it. No transaction began, so none happens twice.
		db.dropConn()
		tx, err = db.begin(ctx)
	}
	if err != nil {
		db.dropConn()
		db.giveTurn()
		return nil, fmt.Errorf("%w: %w", errNotBegun, err)
	}
	return tx, nil
}

func (db *DB) begin(ctx context.Context) (*Tx, error) {
	if db.conn == nil {
		conn, err := db.write.Conn(ctx)
		if err != nil {
			return nil, err
		}
		db.conn = conn
	}
	db.asked.trip(1)
	// database/sql rolls back a transaction whose context ends. Statements that the same
	// end does not stop would go on after it, each for itself.
	tx, err := db.conn.BeginTx(db.dialect.bound(ctx), nil)
	if err != nil {
		return nil, err
	}
	return &Tx{db: db, tx: tx}, nil
}

// dropConn drops the connection and its prepared statements, so that the next Begin
// starts on a fresh one.
func (db *DB) dropConn() {
	if db.conn != nil && db.dialect.discard {
		_ = db.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool closes it
	}
	for _, s := range db.stmts {
		_ = s.Close() // the connection is dropped, and its statements with it
	}
	clear(db.stmts)
	if db.conn != nil {
		_ = db.conn.Close()
		db.conn = nil
	}
}
