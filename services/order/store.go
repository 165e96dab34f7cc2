package order

import (
	"embed"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are order's own tables.
var Migrations = store.Migrations(files)

// Store keeps one row per order. The columns named here never change.
var Store = flow.RowStore[Order]{Table: orders.Keeping("customer_id", "external", "total", "currency", "placed_at", "lines")}

var orders = store.NewTable("orders", "id",
	[]string{"id", "customer_id", "status", "reason", "external", "total", "currency", "placed_at", "lines", "progress"},
	func(o *Order) []any {
		return []any{&o.ID, &o.CustomerID, &o.Status, &o.Reason, &o.External, &o.Total, &o.Currency, store.AsMicros(&o.PlacedAt), store.AsJSON(&o.Lines), store.AsJSON(&o.Progress)}
	})

// summaries are orders as a listing shows them, without lines and progress.
var summaries = store.NewTable("orders", "",
	[]string{"id", "customer_id", "status", "reason", "external", "total", "currency", "placed_at"},
	func(o *Order) []any {
		return []any{&o.ID, &o.CustomerID, &o.Status, &o.Reason, &o.External, &o.Total, &o.Currency, store.AsMicros(&o.PlacedAt)}
	})
