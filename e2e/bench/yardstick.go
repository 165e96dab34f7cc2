package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the same database as in the embedded world
)

// The rows of a yardstick transaction, the keys of its table, and the writers.
const (
	yardRows    = 100
	yardKeys    = 10_000
	yardWriters = 2
)

// yardOnly is the arm Y: a fixed amount of A's main work, writing small JSON rows into
// SQLite, without any code of the kit. In an hour in which the machine is slower at that,
// A is slower, too. Transport alone was tried: its rate does not follow A's.
func yardOnly(ctx context.Context, _ *System, p Plan) (run Run, err error) {
	dir, err := os.MkdirTemp("", "quintet-bench-")
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var written atomic.Int64
	var writing sync.WaitGroup
	failed := make([]error, yardWriters)
	working, stop := context.WithCancel(ctx)
	defer stop()
	for i := range yardWriters {
		writing.Go(func() {
			failed[i] = yard(working, filepath.Join(dir, fmt.Sprintf("%d.db", i)), &written)
		})
	}
	begin := time.Now()
	if err := until(ctx, begin.Add(p.Warm)); err != nil {
		return Run{}, err
	}
	from, before := measure(nil)[harness], written.Load()
	if err := until(ctx, begin.Add(p.Warm+p.For)); err != nil {
		return Run{}, err
	}
	to, n := measure(nil)[harness], int(written.Load()-before)
	stop()
	writing.Wait()
	if err := errors.Join(failed...); err != nil {
		return Run{}, err
	}
	if n == 0 {
		return Run{}, errors.New("nothing was written within the window")
	}
	cpu := float64((to.cpu - from.cpu).Microseconds()) / 1000 / float64(n)
	return Run{Point: Saturated, Completed: n, Rate: float64(n) / p.For.Seconds(), Parts: map[string]Part{inside: {CPU: cpu}}}, nil
}

// yard writes one transaction after the other, as durable as A's, until ctx ends.
func yard(ctx context.Context, path string, written *atomic.Int64) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "CREATE TABLE t (key TEXT PRIMARY KEY, n INTEGER NOT NULL, body TEXT NOT NULL)"); err != nil {
		return err
	}
	for n := 0; ctx.Err() == nil; n++ {
		// Not ctx: an interrupted transaction is an error, and no measurement.
		if err := yardTransaction(context.WithoutCancel(ctx), db, n); err != nil {
			return fmt.Errorf("yardstick: %w", err)
		}
		written.Add(1)
	}
	return nil
}

func yardTransaction(ctx context.Context, db *sql.DB, n int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, after the commit
	for i := range yardRows {
		body, err := json.Marshal(placing(uuid.NewString(), i))
		if err != nil {
			return err
		}
		key := fmt.Sprintf("key-%d", (n*yardRows+i*7919)%yardKeys)
		if _, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET n = n + 1, body = excluded.body", key, body); err != nil {
			return err
		}
	}
	return tx.Commit()
}
