package payment

import (
	"embed"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are payment's own tables.
var Migrations = store.Migrations(files)

// Store keeps one row per order.
var Store = flow.RowStore[Payment]{Table: payments}

var payments = store.NewTable("payments", "order_id",
	[]string{"order_id", "payment_id", "status", "due", "currency", "token", "placed", "held", "stood_down", "reason"},
	func(p *Payment) []any {
		return []any{&p.OrderID, &p.ID, &p.Status, &p.Due, &p.Currency, &p.Token, &p.Placed, &p.Held, &p.CancelRequested, &p.Reason}
	})
