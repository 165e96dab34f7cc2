package order

import (
	"context"
	"database/sql"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrations are the tables of this service.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// Store keeps the orders of a batch: one query to load, and few statements to
// write, however many there are.
func Store() flow.Store[Order] { return flow.ByKey[Order]{Select: selectOrders, Upsert: upsertOrders} }

const columns = `id, customer_id, status, reason, external, total, currency, placed_at, lines, progress`

func selectOrders(ctx context.Context, tx *store.Tx, keys []string) (map[string]Order, error) {
	orders := make(map[string]Order, len(keys))
	err := tx.Each(ctx, func(scan func(...any) error) error {
		o, err := scanOrder(scan)
		orders[o.ID] = o
		return err
	}, `SELECT `+columns+` FROM orders WHERE id IN ({keys}){lock}`, store.Keys(keys))
	if err != nil {
		return nil, fmt.Errorf("load orders: %w", err)
	}
	return orders, nil
}

// upsertOrders writes new orders whole. Of an order that is there already only
// its course changes; what was ordered never does.
func upsertOrders(tx *store.Tx, _ []string, orders []Order) error {
	args := make([]any, 0, 10*len(orders))
	for _, o := range orders {
		lines, err := json.Marshal(o.Lines)
		if err != nil {
			return fmt.Errorf("write lines of order %s: %w", o.ID, err)
		}
		progress, err := json.Marshal(o.Progress)
		if err != nil {
			return fmt.Errorf("write progress of order %s: %w", o.ID, err)
		}
		args = append(args, o.ID, o.CustomerID, string(o.Status), string(o.Reason), flag(o.External), o.Total, o.Currency,
			store.Micros(o.PlacedAt), string(lines), string(progress))
	}
	tx.Bulk(`INSERT INTO orders (`+columns+`)`, 10,
		`ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason = excluded.reason, progress = excluded.progress`, args)
	return nil
}

// flag is a truth as every database stores it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func scanOrder(scan func(...any) error) (Order, error) {
	var o Order
	var placed int64
	var lines, progress string
	if err := scan(&o.ID, &o.CustomerID, &o.Status, &o.Reason, &o.External, &o.Total, &o.Currency, &placed, &lines, &progress); err != nil {
		return o, err
	}
	o.PlacedAt = store.Time(placed)
	if err := json.Unmarshal([]byte(lines), &o.Lines); err != nil {
		return o, fmt.Errorf("read lines of order %s: %w", o.ID, err)
	}
	if err := json.Unmarshal([]byte(progress), &o.Progress); err != nil {
		return o, fmt.Errorf("read progress of order %s: %w", o.ID, err)
	}
	return o, nil
}

// find reads one order as it was last committed. It returns ErrNotFound when
// there is none.
func find(ctx context.Context, db *store.Reader, id string) (Order, error) {
	o, err := scanOrder(db.QueryRowContext(ctx, `SELECT `+columns+` FROM orders WHERE id = ?`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Order{}, ErrNotFound
	}
	if err != nil {
		return Order{}, fmt.Errorf("read order %s: %w", id, err)
	}
	return o, nil
}

// listing is a question for orders, newest first.
type listing struct {
	customerID string // empty: of anyone
	status     Status // Unknown: in any status
	after      cursor // zero: from the newest
	limit      int
}

// cursor is a place in a listing: the last order of a page. An order keeps its
// place for ever, so paging neither skips nor repeats one; an order that
// changes its status meanwhile may leave a listing by status.
type cursor struct {
	placed int64
	id     string
}

var errCursor = errors.New("is not a cursor of this listing")

// String is the cursor as clients carry it: opaque, and safe in a URL.
func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.placed, 10) + " " + c.id))
}

func parseCursor(s string) (cursor, error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, errCursor
	}
	placed, id, ok := strings.Cut(string(text), " ")
	c := cursor{id: id}
	if c.placed, err = strconv.ParseInt(placed, 10, 64); err != nil || !ok || id == "" {
		return cursor{}, errCursor
	}
	return c, nil
}

// list reads a page of orders, without their lines and progress, and where the
// next page begins: nil after the last one.
func list(ctx context.Context, db *store.Reader, l listing) (page []Order, next *cursor, err error) {
	var where []string
	var args []any
	if l.customerID != "" {
		where, args = append(where, `customer_id = ?`), append(args, l.customerID)
	}
	if l.status != Unknown {
		where, args = append(where, `status = ?`), append(args, string(l.status))
	}
	if l.after != (cursor{}) {
		where, args = append(where, `(placed_at, id) < (?, ?)`), append(args, l.after.placed, l.after.id)
	}
	query := `SELECT id, customer_id, status, reason, external, total, currency, placed_at FROM orders`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	rows, err := db.QueryContext(ctx, query+` ORDER BY placed_at DESC, id DESC LIMIT ?`, append(args, l.limit+1)...) // one more tells whether there are more
	if err != nil {
		return nil, nil, fmt.Errorf("list orders: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var o Order
		var placed int64
		if err := rows.Scan(&o.ID, &o.CustomerID, &o.Status, &o.Reason, &o.External, &o.Total, &o.Currency, &placed); err != nil {
			return nil, nil, fmt.Errorf("list orders: %w", err)
		}
		o.PlacedAt = store.Time(placed)
		page = append(page, o)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("list orders: %w", err)
	}
	if len(page) > l.limit {
		page = page[:l.limit]
		last := page[l.limit-1]
		next = &cursor{store.Micros(last.PlacedAt), last.ID}
	}
	return page, next, nil
}
