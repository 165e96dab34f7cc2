package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Transient reports whether err is about the database and not about the data:
// the same statements may succeed later. A broken constraint, a value that does not
// fit, or a row that its reader cannot decode fails again. One input is at fault.
func Transient(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	switch {
	case lost(err):
		return true
	case errors.As(err, &lite):
		return !sqliteBlamesData(lite.Code())
	case errors.As(err, &pg):
		return !postgresBlamesData(pg.Code)
	}
	return false // not an error of the database, so of a reader or writer of rows
}

// lost reports whether the database could not be asked, or did not answer.
func lost(err error) bool {
	for _, l := range []error{
		errNotBegun, context.Canceled, context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone,
		pgx.ErrTxClosed, pgx.ErrTxCommitRollback, pgconn.ErrConnClosed, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		if errors.Is(err, l) {
			return true
		}
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err)
}

// refused reports whether the error of a COMMIT says that it did not happen. The error
// of a session that the server ended (FATAL) does not.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, pgx.ErrTxCommitRollback) || errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR"
}

// unwritten reports whether a COMMIT of SQLite failed before it wrote the commit mark,
// on the transaction's last frame in the log. Once rolled back, such a COMMIT did not
// happen, and will not have after a crash either.
//
// A full disk, a refused write (a quota, a limit of the file's size) and a lock are of
// that kind. No other I/O error is. The mark is in the log when a sync fails
// (IOERR_FSYNC), or when the index of the log cannot grow (IOERR_SHMSIZE). A process
// that opens the file after a crash may find the mark.
func unwritten(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	switch lite.Code() {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_BUSY:
		return true
	}
	return false
}

func sqliteBlamesData(code int) bool {
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return true
	}
	return false
}

// postgresBlamesData goes by the class of the code. The data is at fault for a key twice
// in one statement, a value, a constraint, a view's check, a size, and a trigger's
// refusal. A missing table or column (class 42) would fail for every input, and parking
// them all does not mend that. The schema and the program do not go together, and their
// operator will see a service that waits.
func postgresBlamesData(code string) bool {
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case "21", "22", "23", "44", "54", "P0":
		return true
	}
	return false
}
