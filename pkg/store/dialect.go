package store

import (
	"context"
	"io/fs"

	"github.com/pressly/goose/v3/database"
)

// dialect is what databases spell or do differently. sqlite.go and postgres.go
// each fill in one; nothing else asks which database it is.
type dialect struct {
	// shared: other processes may write to the database too.
	shared bool
	// statement spells a statement: ? is a parameter, {keys} a set that Keys
	// binds, and as a table has the one column key. At a query's end {lock}
	// locks the rows it read until the commit, {share} keeps others from
	// locking them, {free} locks those that nobody has locked and leaves out the others.
	statement func(query string) string
	// run runs statements on the writer's connection, in their order.
	run func(ctx context.Context, db *DB, queued []statement) error
	// bound is the context of a transaction and its statements: one that ends with its
	// caller's, or does not end.
	bound func(ctx context.Context) context.Context
	// sought gives the arguments of a look-up the types that the columns have: a text that no column can hold is found
	// nowhere, and is no error.
	sought func(args []any) []any
	// migrations spells a set of tables.
	migrations func(files fs.FS) fs.FS
	history    database.Dialect
	// discard: a connection that is given up is closed, not used again.
	discard bool
}
