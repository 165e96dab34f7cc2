package payment

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are payment's own tables.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// Store keeps one row per order.
func Store() flow.Store[Payment] {
	return flow.ByKey[Payment]{Select: load, Upsert: save}
}

const selectPayments = `SELECT order_id, payment_id, status, due, currency, token, placed, held, stood_down, reason FROM payments `

func load(ctx context.Context, tx *store.Tx, keys []string) (map[string]Payment, error) {
	payments := make(map[string]Payment, len(keys))
	err := tx.Each(ctx, func(row func(...any) error) error {
		p, err := scan(row)
		payments[p.OrderID] = p
		return err
	}, selectPayments+`WHERE order_id IN ({keys}) ORDER BY order_id {lock}`, store.Keys(keys))
	if err != nil {
		return nil, fmt.Errorf("load payments: %w", err)
	}
	return payments, nil
}

func save(tx *store.Tx, keys []string, payments []Payment) error {
	const width = 10
	rows := make([]any, 0, width*len(keys))
	for i, p := range payments {
		rows = append(rows, keys[i], p.ID, string(p.Status), p.Due, p.Currency, p.Token,
			number(p.Placed), number(p.Held), number(p.StoodDown), string(p.Reason))
	}
	tx.Bulk(`INSERT INTO payments (order_id, payment_id, status, due, currency, token, placed, held, stood_down, reason)`, width,
		`ON CONFLICT (order_id) DO UPDATE SET payment_id = excluded.payment_id, status = excluded.status, due = excluded.due,
			currency = excluded.currency, token = excluded.token, placed = excluded.placed, held = excluded.held,
			stood_down = excluded.stood_down, reason = excluded.reason`, rows)
	return nil
}

// find reads one payment for a reader. It returns sql.ErrNoRows when nothing
// is known of the order.
func find(ctx context.Context, db *store.Reader, orderID string) (Payment, error) {
	p, err := scan(db.QueryRowContext(ctx, selectPayments+`WHERE order_id = ?`, orderID).Scan)
	if err != nil {
		return Payment{}, fmt.Errorf("find payment of order %q: %w", orderID, err)
	}
	return p, nil
}

func scan(row func(...any) error) (p Payment, err error) {
	err = row(&p.OrderID, &p.ID, &p.Status, &p.Due, &p.Currency, &p.Token, &p.Placed, &p.Held, &p.StoodDown, &p.Reason)
	return p, err
}

// number is a truth value in every database's INTEGER.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
