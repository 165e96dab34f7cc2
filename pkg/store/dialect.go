package store

import (
	"context"
	"io/fs"

	"github.com/pressly/goose/v3/database"
)

// dialect holds the differences between databases in spelling and behaviour. sqlite.go
// and postgres.go each fill in one. Besides, only Open, Migrate and Close ask which
// database it is.
type dialect struct {
	// shared reports that other processes may write to the database too.
	shared bool
	// statement spells a statement: ? is a parameter, {keys} a set that Keys
	// encodes. As a table {keys} has the one column key. At a query's end {lock}
	// locks the rows that the query read until the commit. {share} keeps others from
	// locking them. {free} locks the rows that are not locked, and leaves out the others.
	statement func(query string) string
	// run runs statements on the writer's connection, in their order.
	run func(ctx context.Context, db *DB, queued []statement) error
	// bound returns the context of a transaction and its statements. It ends with the
	// caller's context, or never.
	bound func(ctx context.Context) context.Context
	// sought gives the arguments of a look-up the types that the columns have. A text
	// that no column can hold matches no row, and is no error.
	sought func(args []any) []any
	// migrations spells a set of tables.
	migrations func(files fs.FS) fs.FS
	history    database.Dialect
	// discard reports that a dropped connection is closed, not used again.
	discard bool
}
