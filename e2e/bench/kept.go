package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers of both worlds
	_ "modernc.org/sqlite"
)

// kept are the rows of each table of the services, for each of n orders. A table whose
// figure is not near zero grows with the orders.
func (s *System) kept(ctx context.Context, n int) (map[string]float64, error) {
	all := map[string]float64{}
	for _, service := range s.arm.services {
		// Not by the kit's own store: the running service holds the file's lock.
		driver, where := "sqlite", "file:"+filepath.Join(s.data[0], service, service+".db")+"?mode=ro"
		list := "SELECT name FROM sqlite_master WHERE type = 'table'"
		if s.login != nil {
			driver, where = "pgx", s.login(service)
			list = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
		}
		if err := countRows(ctx, driver, where, list, func(table string, rows int) {
			all[service+"."+table] = float64(rows) / float64(n)
		}); err != nil {
			return nil, fmt.Errorf("count the rows of %s: %w", service, err)
		}
	}
	return all, nil
}

// countRows calls tell with the number of rows of each table of a database. list is the
// query for the tables' names.
func countRows(ctx context.Context, driver, where, list string, tell func(table string, rows int)) (err error) {
	db, err := sql.Open(driver, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, list)
	if err != nil {
		return err
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return errors.Join(err, rows.Close())
		}
		tables = append(tables, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, table := range tables {
		var n int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return err
		}
		tell(table, n)
	}
	return nil
}
