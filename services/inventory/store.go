package inventory

import (
	"context"
	"embed"
	"maps"
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas/events"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are inventory's own tables.
var Migrations = store.Migrations(files)

var (
	reservations = store.NewTable("reservations", "order_id", []string{"order_id", "status", "lines"},
		func(r *Reservation) []any { return []any{&r.OrderID, &r.Status, store.AsJSON(&r.Lines)} })
	stock = store.NewTable("stock", "sku", []string{"sku", "on_hand", "reserved", "shipped", "received"},
		func(s *Stock) []any { return []any{&s.SKU, &s.OnHand, &s.Reserved, &s.Shipped, &s.Received} })
)

// Store keeps reservations and the stock levels that they share. It is no
// [flow.RowStore], since the orders of a batch compete for the same SKUs: each
// reaction must see what the one before it took.
var Store flow.Store[Reservation] = stockStore{}

type stockStore struct{}

// Load implements [flow.Store]: one query for the reservations, one for all
// levels that the batch can touch.
//
// Levels are locked in the order of their SKUs, as every batch of every instance
// does: two batches that want the same two SKUs wait for each other on the first
// of them, and never crosswise. A SKU that has no row yet has no lock, and needs
// none: only ReceiveStock creates rows, and its key, "sku/" and the SKU, is locked
// by the kit.
func (stockStore) Load(ctx context.Context, tx *store.Tx, inputs []*flow.Input) (flow.BatchState[Reservation], error) {
	u := &unit{
		reservations: map[string]*Reservation{}, stock: map[string]*Stock{},
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
	if len(orders) > 0 {
		reservations.Load(tx, `order_id IN ({keys}) ORDER BY order_id {lock}`, orders, func(r *Reservation) {
			u.reservations[r.OrderID] = r
			for _, l := range r.Lines {
				skus[l.SKU] = true
			}
		})
		if err := tx.Flush(ctx); err != nil {
			return nil, err
		}
	}
	stock.Load(tx, `sku IN ({keys}) ORDER BY sku {lock}`, slices.Sorted(maps.Keys(skus)), func(s *Stock) { u.stock[s.SKU] = s })
	return u, tx.Flush(ctx)
}

// unit is the reservations and levels of one batch.
type unit struct {
	reservations  map[string]*Reservation // by order, without levels
	stock         map[string]*Stock       // by SKU; a SKU never received is absent
	changedOrders map[string]bool
	changedSKUs   map[string]bool
}

// State lends the input's reservation, with the levels that its reaction may read and
// move.
func (u *unit) State(in *flow.Input) (r Reservation) {
	if c, ok := in.Body.(ReceiveStock); ok {
		return Reservation{Levels: u.lend(c.SKU)}
	}
	if known := u.reservations[in.Key]; known != nil {
		r = *known
	}
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
		if s := u.stock[sku]; s != nil {
			lent[sku] = s.Level
		}
	}
	return lent
}

// Put takes the levels back before the next reaction of the batch sees
// them, and the reservation if it changed.
func (u *unit) Put(in *flow.Input, next Reservation) {
	for sku, l := range next.Levels {
		if before := u.stock[sku]; before == nil || before.Level != l {
			u.stock[sku] = &Stock{sku, l}
			u.changedSKUs[sku] = true
		}
	}
	next.Levels = nil
	before := u.reservations[in.Key]
	if before == nil {
		before = &Reservation{}
	}
	if next.Status != before.Status { // it changes with its status only; a delivery has none
		next.OrderID = in.Key
		u.reservations[in.Key] = &next
		u.changedOrders[in.Key] = true
	}
}

// Save writes the changed rows, sorted, in as many statements as a batch of its size
// may have.
func (u *unit) Save(tx *store.Tx) {
	var orders []*Reservation
	for _, order := range slices.Sorted(maps.Keys(u.changedOrders)) {
		orders = append(orders, u.reservations[order])
	}
	reservations.Save(tx, orders)
	var levels []*Stock
	for _, sku := range slices.Sorted(maps.Keys(u.changedSKUs)) {
		levels = append(levels, u.stock[sku])
	}
	stock.Save(tx, levels)
}
