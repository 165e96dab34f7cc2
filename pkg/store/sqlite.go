package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite" // the embedded database: pure Go, so the whole system builds with make and Go alone
)

// sqliteDialect needs no row lock: the transaction begins immediate, so it is the only
// writer before it reads. A set of keys is one JSON array.
func sqliteDialect() dialect {
	words := strings.NewReplacer("{keys}", "SELECT value AS key FROM json_each(?)",
		"{lock}", "", "{share}", "", "{free}", "")
	return dialect{
		statement: words.Replace,
		run:       oneByOne,
		// A statement ends by itself, in this process, and no other one waits for the
		// transaction. To watch a context the driver starts a goroutine for each
		// statement, which costs as much as a short one.
		bound:  context.WithoutCancel,
		sought: func(args []any) []any { return args },
		migrations: func(files fs.FS) fs.FS {
			return tables{files, ofSQLite, notSQLite, func(text []byte) []byte { return text }}
		},
		history: database.DialectSQLite3,
	}
}

// openSQLite opens the file at path, creating it and its directory when absent.
func openSQLite(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("create directory of database %s: %w", path, err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, false))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, lock.Close()))
	}
	read, err := sql.Open("sqlite", sqliteDSN(path, true))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, write.Close(), lock.Close()))
	}
	db := newDB(sqliteDialect(), write, read)
	db.lock = lock
	if err := write.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, db.Close()))
	}
	return db, nil
}

// sqliteDSN returns the data source name of a connection. Each setting is a promise.
// _txlock=immediate takes the write lock before the batch reads, so the rows that it
// read cannot change under it. WAL lets readers go on meanwhile. FULL syncs each
// commit. The busy timeout covers a checkpoint of the reader pool.
func sqliteDSN(path string, readOnly bool) string {
	q := url.Values{}
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "busy_timeout(5000)")
	q.Add("_pragma", "cache_size(-2000)")
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Set("_txlock", "immediate")
	}
	return "file:" + path + "?" + q.Encode()
}

// oneByOne runs statements in the process, where each is a call.
func oneByOne(ctx context.Context, db *DB, queued []statement) error {
	ctx = db.dialect.bound(ctx)
	for _, s := range queued {
		if err := db.runOne(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", head(s.query), err)
		}
	}
	return nil
}

func (db *DB) runOne(ctx context.Context, s statement) error {
	prepared, err := db.prepared(ctx, s.query)
	if err != nil {
		return err
	}
	if s.row == nil {
		_, err := prepared.ExecContext(ctx, s.args...)
		return err
	}
	rows, err := prepared.QueryContext(ctx, s.args...)
	if err != nil {
		return err
	}
	defer rows.Close() // also when row panics: an open row would keep the connection from being dropped
	for rows.Next() {
		if err := s.row(rows.Scan); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (db *DB) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := db.stmts[query]; ok {
		return s, nil
	}
	s, err := db.conn.PrepareContext(ctx, db.dialect.statement(query))
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	db.stmts[query] = s
	return s, nil
}
