package email

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of mailboxes.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// Store keeps one mailbox per order.
func Store() flow.ByKey[Mailbox] {
	return flow.ByKey[Mailbox]{Select: selectMailboxes, Upsert: upsertMailboxes}
}

func selectMailboxes(ctx context.Context, tx *store.Tx, orders []string) (map[string]Mailbox, error) {
	found := make(map[string]Mailbox, len(orders))
	err := tx.Each(ctx, func(scan func(...any) error) error {
		var m Mailbox
		var notices string
		if err := scan(&m.OrderID, &m.Address, &notices); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(notices), &m.Notices); err != nil {
			return fmt.Errorf("read notices of order %s: %w", m.OrderID, err)
		}
		found[m.OrderID] = m
		return nil
	}, `SELECT order_id, address, notices FROM mailboxes WHERE order_id IN ({keys})`, store.Keys(orders))
	return found, err
}

func upsertMailboxes(tx *store.Tx, orders []string, mailboxes []Mailbox) error {
	rows := make([]any, 0, 3*len(orders))
	for i, m := range mailboxes {
		notices, err := json.Marshal(append([]Notice{}, m.Notices...)) // [] and not null
		if err != nil {
			return fmt.Errorf("write notices of order %s: %w", orders[i], err)
		}
		rows = append(rows, orders[i], m.Address, string(notices))
	}
	tx.Bulk(`INSERT INTO mailboxes (order_id, address, notices)`, 3,
		`ON CONFLICT (order_id) DO UPDATE SET address = excluded.address, notices = excluded.notices`, rows)
	return nil
}
