package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// Simulated is a database for simulations: an SQLite file, best on a file system
// in memory. Each simulated process opens it once. It outlives them, and syncs
// nothing.
//
// Shared, it stands in for PostgreSQL. Transactions of all processes run one after the
// other, which is one of the orders that row locks allow. Readers see the committed
// rows. A signal goes from each process to all. A transaction waits for its turn on a
// channel, so that under testing/synctest it does not keep the clock from going on.
type Simulated struct {
	path    string
	shared  bool
	turn    chan struct{} // of all its processes
	mu      sync.Mutex
	hearing map[chan string]struct{}
}

// NewSimulated returns the database at path. shared says whether several processes
// work on it.
func NewSimulated(path string, shared bool) *Simulated {
	return &Simulated{path: path, shared: shared, turn: make(chan struct{}, 1), hearing: map[chan string]struct{}{}}
}

// Open opens the database as one process does.
func (s *Simulated) Open() (*DB, error) {
	const fast = "&_pragma=synchronous(OFF)"
	write, err := sql.Open("sqlite", sqliteDSN(s.path, false)+fast)
	if err != nil {
		return nil, fmt.Errorf("open simulated database: %w", err)
	}
	read, err := sql.Open("sqlite", sqliteDSN(s.path, true)+fast)
	if err != nil {
		return nil, fmt.Errorf("open simulated database: %w", err)
	}
	d := sqliteDialect()
	d.shared = s.shared
	db := newDB(d, write, read)
	db.turn, db.simulated = s.turn, s
	return db, nil
}

// CommitsLater is an error for [Faults.BeforeCommit]: the answer of the commit is
// lost. The commit happens only at the call of the function that Later receives.
// Until then the transaction keeps its locks.
type CommitsLater struct{ Later func(land func() error) }

func (CommitsLater) Error() string { return "connection is lost; the commit is still under way" }

// commitLater detaches the transaction from the process, and gives its commit to Later.
func (tx *Tx) commitLater(l CommitsLater) error {
	db, conn := tx.db, tx.db.conn
	for _, s := range db.stmts {
		_ = s.Close()
	}
	clear(db.stmts)
	db.conn = nil
	l.Later(func() error {
		defer db.giveTurn()
		return errors.Join(tx.tx.Commit(), conn.Close())
	})
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, l)
}

// signal notifies every process that listens.
func (s *Simulated) signal(payload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.hearing {
		select {
		case c <- payload:
		default: // a hint: a process with so many unread misses this one
		}
	}
}

// listen calls heard for each signal until ctx ends.
func (s *Simulated) listen(ctx context.Context, heard func(payload string), connected func()) {
	c := make(chan string, 64)
	s.mu.Lock()
	s.hearing[c] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.hearing, c)
	}()
	connected()
	for {
		select {
		case payload := <-c:
			heard(payload)
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return
		}
	}
}
