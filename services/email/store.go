package email

import (
	"embed"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are email's own tables.
var Migrations = store.Migrations(files)

// Store keeps one row per order.
var Store = flow.RowStore[Mailbox]{Table: mailboxes}

var mailboxes = store.NewTable("mailboxes", "order_id", []string{"order_id", "address", "notices"},
	func(m *Mailbox) []any { return []any{&m.OrderID, &m.Address, store.AsJSON(&m.Notices)} })
