package inventory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/schemas/events"
)

func openDB(t *testing.T) *store.DB { return flowtest.OpenDB(t, Migrations) }

// fold runs the reaction to a body. What it puts out is not the store's
// concern.
func fold(r Reservation, body any) Reservation {
	var out flow.Out
	switch b := body.(type) {
	case ReceiveStock:
		return receive(r, b, &out)
	case events.OrderPlaced:
		return reserve(r, b, &out)
	case events.PaymentFailed:
		return releaseUnpaid(r, b, &out)
	case events.PaymentRefunded:
		return releaseRefunded(r, b, &out)
	case events.ShipmentCreated:
		return handOver(r, b, &out)
	}
	panic(fmt.Sprintf("no reaction to %T", body))
}

func input(body any) *flow.Input {
	if c, ok := body.(ReceiveStock); ok {
		return &flow.Input{Kind: flow.KindCommand, Key: "sku/" + c.SKU, Body: c}
	}
	return &flow.Input{Kind: flow.KindEvent, Key: body.(flow.Event).EventKey(), Body: body}
}

// batch does to the store what the kit does.
func batch(ctx context.Context, db *store.DB, bodies []any) (err error) {
	inputs := make([]*flow.Input, len(bodies))
	for i, b := range bodies {
		inputs[i] = input(b)
	}
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	unit, err := Store.Load(ctx, tx, inputs)
	if err != nil {
		tx.Rollback(err)
		return err
	}
	for _, in := range inputs {
		unit.Put(in, fold(unit.State(in), in.Body))
	}
	unit.Save(tx)
	return tx.Commit(ctx)
}

// tables returns the rows of both tables, as text.
func tables(t *testing.T, db *store.Reader) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT 'stock ' || sku || ' ' || on_hand || ' ' || reserved || ' ' || shipped || ' ' || received FROM stock
		UNION ALL SELECT 'reservation ' || order_id || ' ' || status || ' ' || lines FROM reservations ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// story is a random history of many orders that compete for a few SKUs, with
// the orders' inputs in a causal order but otherwise mixed, and some twice.
func story(r *rand.Rand, orders int) []any {
	sku := func() string { return fmt.Sprintf("SKU-%d", r.IntN(5)) }
	var bodies []any
	var open []string
	for n := 0; n < orders || len(open) > 0; {
		switch {
		case r.IntN(4) == 0 && n < orders:
			bodies = append(bodies, ReceiveStock{SKU: sku(), Quantity: 1 + r.Int64N(10)})
		case n < orders && r.IntN(2) == 0:
			e := events.OrderPlaced{OrderID: fmt.Sprintf("order-%d", n)}
			for range 1 + r.IntN(3) {
				e.Lines = append(e.Lines, line(sku(), 1+r.Int32N(4)))
			}
			n++
			open = append(open, e.OrderID)
			bodies = append(bodies, e)
		case len(open) > 0:
			i := r.IntN(len(open))
			end := []any{events.PaymentFailed{OrderID: open[i]}, events.PaymentRefunded{OrderID: open[i]}, events.ShipmentCreated{OrderID: open[i]}}[r.IntN(3)]
			bodies = append(bodies, end)
			if r.IntN(5) > 0 { // else another end comes later, which must not count
				open = append(open[:i], open[i+1:]...)
			}
		}
	}
	return bodies
}

// books compares the levels with what the reservations and deliveries say.
func books(t *testing.T, db *store.Reader, received map[string]int64) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT sku, on_hand, reserved, shipped, received,
			(SELECT coalesce(sum(value ->> 'quantity'), 0) FROM reservations, json_each(lines) WHERE status = 'reserved' AND value ->> 'sku' = stock.sku),
			(SELECT coalesce(sum(value ->> 'quantity'), 0) FROM reservations, json_each(lines) WHERE status = 'shipped' AND value ->> 'sku' = stock.sku)
		FROM stock`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var sku string
		var l Level
		var held, gone int64
		if err := rows.Scan(&sku, &l.OnHand, &l.Reserved, &l.Shipped, &l.Received, &held, &gone); err != nil {
			t.Fatal(err)
		}
		want := Level{OnHand: received[sku] - held - gone, Reserved: held, Shipped: gone, Received: received[sku]}
		if l != want || l.OnHand < 0 {
			t.Errorf("%s is %+v, its reservations and deliveries say %+v", sku, l, want)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestTheBooksBalanceHoweverOrdersAreBatched(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			bodies := story(r, 150)
			received := map[string]int64{}
			one, many := openDB(t), openDB(t)
			for _, b := range bodies {
				if err := batch(t.Context(), one, []any{b}); err != nil {
					t.Fatal(err)
				}
			}
			for len(bodies) > 0 {
				n := min(1+r.IntN(60), len(bodies))
				if err := batch(t.Context(), many, bodies[:n]); err != nil {
					t.Fatal(err)
				}
				for _, b := range bodies[:n] {
					if c, ok := b.(ReceiveStock); ok {
						received[c.SKU] += c.Quantity
					}
				}
				bodies = bodies[n:]
				books(t, many.Read(), received)
			}
			if diff := cmp.Diff(tables(t, one.Read()), tables(t, many.Read())); diff != "" {
				t.Errorf("batches differ from one by one (-one +many):\n%s", diff)
			}
		})
	}
}

func TestABatchTakesAtMostEightStatementsPerTable(t *testing.T) {
	db := openDB(t)
	var stock []any
	for i := range 40 {
		stock = append(stock, ReceiveStock{SKU: fmt.Sprintf("SKU-%d", i), Quantity: 1000})
	}
	if err := batch(t.Context(), db, stock); err != nil {
		t.Fatal(err)
	}
	perTable := map[string]int{}
	table := regexp.MustCompile(`(?:FROM|INTO) (\w+)`)
	db.CountStatements(func(query string) { perTable[table.FindStringSubmatch(query)[1]]++ })
	next := 0
	for _, size := range []int{1, 500} {
		var placed, shipped []any
		for range size {
			id := fmt.Sprint("order-", next)
			placed = append(placed, events.OrderPlaced{OrderID: id, Lines: []events.OrderLine{line(fmt.Sprintf("SKU-%d", next%40), 1), line(fmt.Sprintf("SKU-%d", (next+7)%40), 1)}})
			shipped = append(shipped, events.ShipmentCreated{OrderID: id})
			next++
		}
		for _, bodies := range [][]any{placed, shipped} {
			clear(perTable)
			if err := batch(t.Context(), db, bodies); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d inputs: %v", size, perTable)
			for _, table := range []string{"stock", "reservations"} {
				if n := perTable[table]; n < 1 || n > 8 {
					t.Errorf("%d inputs take %d statements on %s, want 1 to 8", size, n, table)
				}
			}
		}
	}
}

// The database is the last to check: a reaction that sold what is not there is
// refused as its input's fault, so the kit parks it, and nothing is written.
func TestTheDatabaseRefusesStockThatIsNotThere(t *testing.T) {
	for name, wrong := range map[string]Level{
		"sold twice":         {OnHand: -1, Reserved: 6, Received: 5},
		"given back twice":   {OnHand: 6, Reserved: -1, Received: 5},
		"shipped and kept":   {OnHand: 5, Shipped: 2, Received: 5},
		"out of thin air":    {OnHand: 6, Received: 5},
		"vanished":           {OnHand: 4, Received: 5},
		"received backwards": {OnHand: 5, Shipped: -1, Received: 4},
	} {
		t.Run(name, func(t *testing.T) {
			db := openDB(t)
			if err := batch(t.Context(), db, []any{ReceiveStock{SKU: "PEN", Quantity: 5}}); err != nil {
				t.Fatal(err)
			}
			before := tables(t, db.Read())
			tx, err := db.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			in := input(order(line("PEN", 1)))
			unit, err := Store.Load(t.Context(), tx, []*flow.Input{in})
			if err != nil {
				t.Fatal(err)
			}
			unit.Put(in, Reservation{OrderID: "o-1", Status: Reserved, Levels: map[string]Level{"PEN": wrong}})
			unit.Save(tx)
			if err := tx.Commit(t.Context()); err == nil || store.Transient(err) {
				t.Errorf("got %v, want a refusal that is the data's fault", err)
			}
			if diff := cmp.Diff(before, tables(t, db.Read())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABatchWithoutChangesWritesNothing(t *testing.T) {
	db := openDB(t)
	var writes []string
	db.CountStatements(func(query string) {
		if regexp.MustCompile(`^INSERT`).MatchString(query) {
			writes = append(writes, query)
		}
	})
	if err := batch(t.Context(), db, []any{events.PaymentFailed{OrderID: "o-1"}, events.ShipmentCreated{OrderID: "o-2"}}); err != nil {
		t.Fatal(err)
	}
	if len(writes) > 0 {
		t.Error(writes)
	}
}

func TestAnOrderDoesNotMakeASKUKnown(t *testing.T) {
	db := openDB(t)
	if err := batch(t.Context(), db, []any{order(line("LAMP", 1))}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"reservation o-1 rejected []"}, tables(t, db.Read())); diff != "" {
		t.Error(diff)
	}
}
