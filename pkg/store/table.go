package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
)

// Table describes a table whose rows are values of R, and loads, saves and finds them.
type Table[R any] struct {
	Name    string
	Columns []string
	// Fields returns pointers to a row's fields, in the order of the columns. A read
	// scans into them, and a write takes their values. A bool is 0 or 1; for a time
	// and for a value stored as JSON see [AsMicros] and [AsJSON].
	Fields func(r *R) []any

	key, read, insert, conflict string // parts of statements
}

// NewTable describes a table by its columns, and by the key by which a row is
// replaced. To a table without a key rows are only added.
func NewTable[R any](name, key string, columns []string, fields func(r *R) []any) Table[R] {
	list := strings.Join(columns, ", ")
	t := Table[R]{Name: name, Columns: columns, Fields: fields, key: key, read: `SELECT ` + list + ` FROM ` + name + ` WHERE `, insert: `INSERT INTO ` + name + ` (` + list + `)`}
	return t.Keeping()
}

// Keeping returns the table in which a row keeps the first values of the key and of
// exactly these columns. A column that the table does not have is a mistake in the
// program.
func (t Table[R]) Keeping(columns ...string) Table[R] {
	for _, c := range columns {
		if !slices.Contains(t.Columns, c) {
			panic(fmt.Sprintf("table %s has no column %s to keep", t.Name, c))
		}
	}
	if t.key == "" {
		return t
	}
	kept := " " + t.key + ", " + strings.Join(columns, ", ") + ","
	var set []string
	for _, c := range t.Columns {
		if !strings.Contains(kept, " "+c+",") {
			set = append(set, c+" = excluded."+c)
		}
	}
	t.conflict = `ON CONFLICT (` + t.key + `) DO NOTHING`
	if len(set) > 0 {
		t.conflict = `ON CONFLICT (` + t.key + `) DO UPDATE SET ` + strings.Join(set, ", ")
	}
	return t
}

// Load queues the reading of the rows that a condition on a set of keys selects. It
// queues nothing without keys. row owns its argument.
func (t Table[R]) Load(tx *Tx, where string, keys []string, row func(r *R)) {
	if len(keys) == 0 {
		return
	}
	tx.Queue(func(scan func(dst ...any) error) error {
		r := new(R)
		if err := scan(t.Fields(r)...); err != nil {
			return err
		}
		row(r)
		return nil
	}, t.read+where, Keys(keys))
}

// Save queues the writing of rows. Each is new or replaces the row of its key, and no
// two may have the same key. The next Flush reports a row that cannot be written.
func (t Table[R]) Save(tx *Tx, rows []*R) {
	values := make([]any, 0, len(rows)*len(t.Columns))
	for _, r := range rows {
		// The methods of a row's own types run here. A panic within the driver would
		// leave the connection in use.
		for i, f := range t.Fields(r) {
			v, err := driver.DefaultParameterConverter.ConvertValue(f)
			if err != nil {
				tx.fail(fmt.Errorf("write %s.%s: %w", t.Name, t.Columns[i], err))
				return
			}
			values = append(values, v)
		}
	}
	tx.Bulk(t.insert, len(t.Columns), t.conflict, values)
}

// Find reads the first row that a condition selects, as it was last committed. It
// returns [sql.ErrNoRows] when there is none.
func (t Table[R]) Find(ctx context.Context, db *Reader, where string, args ...any) (R, error) {
	var r R
	if err := db.QueryRowContext(ctx, t.read+where, args...).Scan(t.Fields(&r)...); err != nil {
		return r, fmt.Errorf("read %s: %w", t.Name, err)
	}
	return r, nil
}

// List reads all rows that a condition selects, in the order that the condition asks for.
func (t Table[R]) List(ctx context.Context, db *Reader, where string, args ...any) (all []R, err error) {
	rows, err := db.QueryContext(ctx, t.read+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", t.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r R
		if err := rows.Scan(t.Fields(&r)...); err != nil {
			return nil, fmt.Errorf("list %s: %w", t.Name, err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %s: %w", t.Name, err)
	}
	return all, nil
}
