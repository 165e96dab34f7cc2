package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Migrate brings a set of tables to its newest version. Each set (the kit's,
// the service's) keeps its own history, so neither depends on the numbers of the
// other. Every migration is a transaction of its own. Processes that share the
// database take turns, for up to five minutes. Migrate leaves a database that is newer
// than the set as it is. The version before goes on working on it, as long as
// migrations first add and, a version later, remove.
func (db *DB) Migrate(ctx context.Context, set string, files fs.FS) error {
	history, err := database.NewStore(db.dialect.history, "migrations_"+set)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	up := func(pool *sql.DB, options ...goose.ProviderOption) error {
		options = append(options, goose.WithStore(history), goose.WithDisableGlobalRegistry(true))
		p, err := goose.NewProvider("", pool, db.dialect.migrations(files), options...)
		if err != nil {
			return err
		}
		_, err = p.Up(ctx)
		return err
	}
	if db.config != nil {
		err = db.inTurn(up)
	} else {
		err = db.onWriter(up)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	return nil
}

type migration func(*sql.DB, ...goose.ProviderOption) error

// onWriter migrates over the writer's one connection. It first drops that of a Begin.
func (db *DB) onWriter(up migration) error {
	db.turn <- struct{}{}
	defer db.giveTurn()
	db.dropConn()
	return up(db.write)
}

// inTurn migrates over a connection of its own, under a lock. The server releases the
// lock when that connection ends, however it ends.
func (db *DB) inTurn(up migration) (err error) {
	const second, tries = 1, 300
	turn, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(second, tries))
	if err != nil {
		return err
	}
	pool := stdlib.OpenDB(*session(db.config, migratorSettings))
	defer func() { err = errors.Join(err, pool.Close()) }()
	return up(pool, goose.WithSessionLocker(turn))
}

// Migrations returns the files in the directory migrations of a package that embeds it.
func Migrations(embedded embed.FS) fs.FS {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the name is a valid path
	}
	return files
}
