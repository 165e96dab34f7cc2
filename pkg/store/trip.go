package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// inOneTrip sends statements to PostgreSQL together and reads their results in their
// order. The server stops at the first that fails.
func inOneTrip(ctx context.Context, db *DB, queued []statement) error {
	batch := &pgx.Batch{}
	for _, s := range queued {
		args, err := plain(s.args)
		if err != nil {
			return fmt.Errorf("%s: %w", head(s.query), err)
		}
		batch.Queue(db.spelled(s.query), zeroOrOne(args)...)
	}
	var panicked any // carried out of Raw, which for a panic waits for the transaction's end
	err := db.conn.Raw(func(c any) error {
		defer func() { panicked = recover() }()
		results := c.(*stdlib.Conn).Conn().SendBatch(ctx, batch)
		defer func() { _ = results.Close() }() // also when a row of it panics; its error is returned below
		for _, s := range queued {
			if err := readResult(results, s); err != nil {
				return fmt.Errorf("%s: %w", head(s.query), err)
			}
		}
		return results.Close()
	})
	if panicked != nil {
		panic(panicked)
	}
	return err
}

func readResult(results pgx.BatchResults, s statement) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for s.row != nil && rows.Next() {
		if err := s.row(func(dst ...any) error { return rows.Scan(yesOrNo(dst)...) }); err != nil {
			return err
		}
	}
	rows.Close()
	return rows.Err()
}

// spelled returns a statement in PostgreSQL's spelling. The driver prepares it once on
// each connection, and finds it by this text.
func (db *DB) spelled(query string) string {
	text, known := db.texts[query]
	if !known {
		text = db.dialect.statement(query)
		db.texts[query] = text
	}
	return text
}

// plain converts arguments to the few types that database/sql passes to every driver,
// so that both databases receive the same.
func plain(args []any) ([]any, error) {
	same := make([]any, len(args))
	for i, a := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
		same[i] = v
	}
	return same, nil
}

// yesOrNo reads an integer column into a bool, as database/sql does.
func yesOrNo(dst []any) []any {
	for i, d := range dst {
		if b, is := d.(*bool); is {
			dst[i] = (*flag)(b)
		}
	}
	return dst
}

type flag bool

// Scan implements [sql.Scanner].
func (f *flag) Scan(src any) error {
	switch v := src.(type) {
	case int64:
		*f = v != 0
	case bool:
		*f = flag(v)
	default:
		return errors.New("neither a number nor a yes or no")
	}
	return nil
}
