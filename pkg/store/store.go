// Package store opens a service's own database and gives a batch what it
// needs of it: one transaction at a time, statements that carry many rows,
// and a pool of readers that never makes the writer wait.
//
// There is one writer per process. It is a single connection, so statements
// are prepared once and a transaction never meets another of its own process.
// What differs between databases stands in dialect.go and nowhere else.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the embedded database: pure Go, so the whole system builds with make and Go alone
)

var (
	// ErrInUse is returned when another process has the database open. A
	// service keeps timers and hand-offs in memory, so two processes over one
	// file would each believe to be the only one.
	ErrInUse = errors.New("database is in use by another process")
	// ErrUnknownOutcome is returned by Commit when the database did not say
	// whether the transaction happened. The caller must forget what it holds
	// in memory and read again before it goes on.
	ErrUnknownOutcome = errors.New("outcome of the commit is unknown")

	// errNotBegun marks a transaction that saw no data, so that none is at fault.
	errNotBegun = errors.New("begin transaction")
)

// DB is a service's database.
type DB struct {
	read    *sql.DB
	write   *sql.DB
	lock    *os.File
	mu      sync.Mutex // held from Begin to Commit or Rollback
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt
	counted func(query string)
	faults  Faults
}

// Faults are places where a test makes the database fail as real ones do. The
// zero value never fails.
type Faults struct {
	// BeforeCommit runs in place of the commit when it returns an error: the
	// transaction is rolled back and the error returned as an unknown outcome.
	BeforeCommit func() error
	// AfterCommit runs once the commit has happened; its error is returned
	// as an unknown outcome, as from a connection that broke on the answer.
	AfterCommit func() error
}

// Open opens the SQLite database at path, creating it and its directory when
// absent. Durability is synchronous=FULL: a commit that was answered survives
// a power cut, at the price of one fsync per batch.
func Open(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("create directory of database %s: %w", path, err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db := &DB{lock: lock, stmts: map[string]*sql.Stmt{}}
	if db.write, err = sql.Open("sqlite", dsn(path, false)); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, lock.Close()))
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = sql.Open("sqlite", dsn(path, true)); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, db.write.Close(), lock.Close()))
	}
	db.read.SetMaxOpenConns(readers)
	if err := db.write.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, db.Close()))
	}
	return db, nil
}

// readers bounds the read pool. Reads are point look-ups for people and
// tests; a few connections serve many, and each costs memory.
const readers = 4

// Read returns the read-only pool. A read must not be held open across a
// wait: an old read keeps SQLite's log from being folded back.
func (db *DB) Read() *sql.DB { return db.read }

// SetFaults makes the database fail as described, for tests.
func (db *DB) SetFaults(f Faults) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.faults = f
}

// CountStatements calls f with each statement the writer runs, for tests that
// hold a batch to its bound.
func (db *DB) CountStatements(f func(query string)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.counted = f
}

// Close closes the database. It waits for a transaction that is open.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.dropConn()
	return errors.Join(db.read.Close(), db.write.Close(), db.lock.Close())
}

// Begin starts the one write transaction, waiting for its turn.
func (db *DB) Begin(ctx context.Context) (*Tx, error) {
	db.mu.Lock()
	tx, err := db.begin(ctx)
	if err != nil {
		db.dropConn()
		db.mu.Unlock()
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
	tx, err := db.conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &Tx{db: db, tx: tx}, nil
}

// dropConn forgets the connection and what was prepared on it, so that the
// next Begin starts on a fresh one.
func (db *DB) dropConn() {
	for _, s := range db.stmts {
		_ = s.Close() // the connection is given up; its statements go with it
	}
	clear(db.stmts)
	if db.conn != nil {
		_ = db.conn.Close()
		db.conn = nil
	}
}

// Micros is how a time is stored: microseconds since 1970, the same number in
// every database, and still in order when compared.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time reads what Micros wrote.
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }
