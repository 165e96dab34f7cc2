package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// translate turns the few words that databases spell differently into
// SQLite's: {keys} is a set bound as one JSON array, {lock} locks the rows that
// a query read until the commit. SQLite needs no row lock: the transaction
// began immediate, so it is the only writer since before it read.
func translate(query string) string { return sqliteWords.Replace(query) }

var sqliteWords = strings.NewReplacer("{keys}", "SELECT value FROM json_each(?)", "{lock}", "")

// dsn is how a connection is opened. Each setting is a promise:
// _txlock=immediate takes the write lock before the batch reads, so what it
// read cannot change under it; WAL lets readers go on meanwhile; FULL syncs
// each commit; the busy timeout covers a checkpoint of the reader pool.
func dsn(path string, readOnly bool) string {
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

// Transient reports whether err is about the database and not about the data:
// the same statements may succeed later. A broken constraint, a value that does
// not fit, or a row that its reader cannot make sense of will fail again, so it
// is the fault of one input.
func Transient(err error) bool {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		for _, lost := range []error{errNotBegun, context.Canceled, context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone} {
			if errors.Is(err, lost) {
				return true
			}
		}
		return false // not the database's word, so its reader's or writer's
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return false
	}
	return true
}
