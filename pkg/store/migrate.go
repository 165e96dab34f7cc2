package store

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Migrate brings a set of tables to its newest version. Each set (the kit's,
// the service's) keeps its own history, so neither has to know the numbers of
// the other. Every migration is a transaction of its own.
func (db *DB) Migrate(ctx context.Context, set string, files fs.FS) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.dropConn() // the writer's one connection is needed here; a Begin before would hold it
	history, err := database.NewStore(database.DialectSQLite3, "migrations_"+set)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	p, err := goose.NewProvider("", db.write, files, goose.WithStore(history), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	return nil
}
