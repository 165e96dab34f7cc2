package inventory

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas/events"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of stock and reservations.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// Shelves keeps reservations and the stock levels that they share. It is no
// [flow.ByKey], since the orders of a batch compete for the same SKUs: each
// reaction must see what the one before it took.
type Shelves struct{}

// Load implements [flow.Store]: one query for the reservations, one for all
// levels that the batch can touch.
func (Shelves) Load(ctx context.Context, tx *store.Tx, inputs []*flow.Input) (flow.Unit[Reservation], error) {
	u := &unit{
		reservations: map[string]Reservation{}, levels: map[string]Level{},
		changedOrders: map[string]bool{}, changedSKUs: map[string]bool{},
	}
	skus := map[string]bool{}
	var orders []string
	for _, in := range inputs {
		switch body := in.Body.(type) {
		case ReceiveStock:
			skus[body.SKU] = true
			continue
		case events.OrderPlaced:
			for _, l := range body.Lines {
				skus[l.SKU] = true
			}
		}
		orders = append(orders, in.Key)
	}
	if err := u.readReservations(ctx, tx, orders); err != nil {
		return nil, err
	}
	for _, r := range u.reservations {
		for _, l := range r.Lines {
			skus[l.SKU] = true
		}
	}
	if err := u.readLevels(ctx, tx, slices.Sorted(maps.Keys(skus))); err != nil {
		return nil, err
	}
	return u, nil
}

// unit is the reservations and levels of one batch.
type unit struct {
	reservations  map[string]Reservation // by order, without levels
	levels        map[string]Level       // by SKU; one never received is absent
	changedOrders map[string]bool
	changedSKUs   map[string]bool
}

func (u *unit) readReservations(ctx context.Context, tx *store.Tx, orders []string) error {
	if len(orders) == 0 {
		return nil
	}
	// No lock of their own: the kit holds the locks of the batch's keys.
	return tx.Each(ctx, func(scan func(...any) error) error {
		var r Reservation
		var lines string
		if err := scan(&r.OrderID, &r.Status, &lines); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(lines), &r.Lines); err != nil {
			return fmt.Errorf("read lines of reservation %s: %w", r.OrderID, err)
		}
		u.reservations[r.OrderID] = r
		return nil
	}, `SELECT order_id, status, lines FROM reservations WHERE order_id IN ({keys})`, store.Keys(orders))
}

// readLevels locks in the order of the SKUs, as every batch of every instance
// does: two batches that want the same two SKUs wait for each other on the
// first of them, and never crosswise. A SKU that has no row yet has no lock,
// and needs none: only ReceiveStock creates rows, and its key, "sku/" and the
// SKU, is locked by the kit.
func (u *unit) readLevels(ctx context.Context, tx *store.Tx, skus []string) error {
	if len(skus) == 0 {
		return nil
	}
	return tx.Each(ctx, func(scan func(...any) error) error {
		var sku string
		var l Level
		if err := scan(&sku, &l.OnHand, &l.Reserved, &l.Shipped, &l.Received); err != nil {
			return err
		}
		u.levels[sku] = l
		return nil
	}, `SELECT sku, on_hand, reserved, shipped, received FROM stock WHERE sku IN ({keys}) ORDER BY sku {lock}`, store.Keys(skus))
}

// State lends the input's reservation, with the levels that its reaction may
// look at and move.
func (u *unit) State(in *flow.Input) Reservation {
	if c, ok := in.Body.(ReceiveStock); ok {
		return Reservation{Levels: u.lend(c.SKU)}
	}
	r := u.reservations[in.Key]
	skus := make([]string, 0, len(r.Lines))
	for _, l := range r.Lines {
		skus = append(skus, l.SKU)
	}
	if placed, ok := in.Body.(events.OrderPlaced); ok {
		for _, l := range placed.Lines {
			skus = append(skus, l.SKU)
		}
	}
	r.Levels = u.lend(skus...)
	return r
}

func (u *unit) lend(skus ...string) map[string]Level {
	lent := make(map[string]Level, len(skus))
	for _, sku := range skus {
		if l, known := u.levels[sku]; known {
			lent[sku] = l
		}
	}
	return lent
}

// Absorb takes the levels back before the next reaction of the batch sees
// them, and the reservation if it changed.
func (u *unit) Absorb(in *flow.Input, next Reservation) {
	for sku, l := range next.Levels {
		if before, known := u.levels[sku]; !known || before != l {
			u.levels[sku] = l
			u.changedSKUs[sku] = true
		}
	}
	if next.Status != u.reservations[in.Key].Status { // it changes with its status only; a delivery has none
		next.Levels = nil
		u.reservations[in.Key] = next
		u.changedOrders[in.Key] = true
	}
}

// Save writes what changed, sorted, in as many statements as a batch of its
// size may have.
func (u *unit) Save(tx *store.Tx) error {
	rows := make([]any, 0, 3*len(u.changedOrders))
	for _, order := range slices.Sorted(maps.Keys(u.changedOrders)) {
		r := u.reservations[order]
		lines, err := json.Marshal(append([]Line{}, r.Lines...)) // [] and not null
		if err != nil {
			return fmt.Errorf("write lines of reservation %s: %w", order, err)
		}
		rows = append(rows, order, r.Status, string(lines))
	}
	tx.Bulk(`INSERT INTO reservations (order_id, status, lines)`, 3,
		`ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, lines = excluded.lines`, rows)
	rows = make([]any, 0, 5*len(u.changedSKUs))
	for _, sku := range slices.Sorted(maps.Keys(u.changedSKUs)) {
		l := u.levels[sku]
		rows = append(rows, sku, l.OnHand, l.Reserved, l.Shipped, l.Received)
	}
	tx.Bulk(`INSERT INTO stock (sku, on_hand, reserved, shipped, received)`, 5,
		`ON CONFLICT (sku) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved, shipped = excluded.shipped, received = excluded.received`, rows)
	return nil
}
