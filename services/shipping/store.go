package shipping

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are shipping's own tables.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// Store keeps one row per order.
func Store() flow.Store[Shipment] {
	return flow.ByKey[Shipment]{Select: load, Upsert: save}
}

const selectShipments = `SELECT order_id, shipment_id, status, tracking_number, address, lines, placed, paid, stood_down, reason FROM shipments `

func load(ctx context.Context, tx *store.Tx, keys []string) (map[string]Shipment, error) {
	shipments := make(map[string]Shipment, len(keys))
	err := tx.Each(ctx, func(row func(...any) error) error {
		s, err := scan(row)
		shipments[s.OrderID] = s
		return err
	}, selectShipments+`WHERE order_id IN ({keys}) ORDER BY order_id {lock}`, store.Keys(keys))
	if err != nil {
		return nil, fmt.Errorf("load shipments: %w", err)
	}
	return shipments, nil
}

func save(tx *store.Tx, keys []string, shipments []Shipment) error {
	const width = 10
	rows := make([]any, 0, width*len(keys))
	for i, s := range shipments {
		address, err := json.Marshal(s.Address)
		lines, err2 := json.Marshal(s.Lines)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("save shipment of order %q: %w", keys[i], err)
		}
		rows = append(rows, keys[i], s.ID, string(s.Status), s.TrackingNumber, string(address), string(lines),
			number(s.Placed), number(s.Paid), number(s.StoodDown), string(s.Reason))
	}
	tx.Bulk(`INSERT INTO shipments (order_id, shipment_id, status, tracking_number, address, lines, placed, paid, stood_down, reason)`, width,
		`ON CONFLICT (order_id) DO UPDATE SET shipment_id = excluded.shipment_id, status = excluded.status,
			tracking_number = excluded.tracking_number, address = excluded.address, lines = excluded.lines, placed = excluded.placed,
			paid = excluded.paid, stood_down = excluded.stood_down, reason = excluded.reason`, rows)
	return nil
}

// find reads one shipment for a reader. It returns sql.ErrNoRows when nothing
// is known of the order.
func find(ctx context.Context, db *store.Reader, orderID string) (Shipment, error) {
	s, err := scan(db.QueryRowContext(ctx, selectShipments+`WHERE order_id = ?`, orderID).Scan)
	if err != nil {
		return Shipment{}, fmt.Errorf("find shipment of order %q: %w", orderID, err)
	}
	return s, nil
}

func scan(row func(...any) error) (s Shipment, err error) {
	var address, lines string
	if err := row(&s.OrderID, &s.ID, &s.Status, &s.TrackingNumber, &address, &lines, &s.Placed, &s.Paid, &s.StoodDown, &s.Reason); err != nil {
		return s, err
	}
	return s, errors.Join(json.Unmarshal([]byte(address), &s.Address), json.Unmarshal([]byte(lines), &s.Lines))
}

// number is a truth value in every database's INTEGER.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
