package naive

import (
	"context"
	"strings"

	"github.com/quintet-eda/quintet/e2e/peers/debezium"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

var (
	columns = debezium.Column(strings.Join(debezium.Headers, ", "))
	insert  = "INSERT INTO " + debezium.Table + " (topic, key, value, " + columns + ") VALUES (?, ?, ?" + strings.Repeat(", ?", len(debezium.Headers)) + ") RETURNING id"
	remove  = "DELETE FROM " + debezium.Table + " WHERE id = ?"
)

// log writes each event into the database's log. Its row goes in the transaction that
// it came in, as Debezium's documentation advises: the log keeps the insertion, and the
// table stays empty.
func log(ctx context.Context, tx *store.Tx, records []record.Record) error {
	for i := range records {
		r := &records[i]
		values := []any{r.Topic, r.Key, r.Value}
		for _, name := range debezium.Headers {
			values = append(values, header(r, name))
		}
		var id int64
		if err := tx.Each(ctx, func(scan func(...any) error) error { return scan(&id) }, insert, values...); err != nil {
			return err
		}
		if err := tx.Exec(ctx, remove, id); err != nil {
			return err
		}
	}
	return nil
}

// header is the value of a record's header; nil when there is none.
func header(r *record.Record, name string) any {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return nil
}
