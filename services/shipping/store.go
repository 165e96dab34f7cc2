package shipping

import (
	"embed"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are shipping's own tables.
var Migrations = store.Migrations(files)

// Store keeps one row per order.
var Store = flow.RowStore[Shipment]{Table: shipments}

var shipments = store.NewTable("shipments", "order_id",
	[]string{"order_id", "shipment_id", "status", "tracking_number", "address", "lines", "placed", "paid", "stood_down", "reason"},
	func(s *Shipment) []any {
		return []any{&s.OrderID, &s.ID, &s.Status, &s.TrackingNumber, store.AsJSON(&s.Address), store.AsJSON(&s.Lines), &s.Placed, &s.Paid, &s.CancelRequested, &s.Reason}
	})
