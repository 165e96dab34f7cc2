package e2e_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestAnOldOrderByAForeignProducerReachesItsEnd(t *testing.T) { play(t, foreignOrder()) }

// foreignOrder is in the tests only: its subject is a producer that shares no code with
// the system.
func foreignOrder() Story {
	return Story{
		Name:  "foreign producer",
		Tells: "An OrderPlaced of version 1, without address and without CloudEvents headers, is written by another Kafka client: it is reserved, charged and kept at the depot, and the order service gives it its end. Written once more, as another record, it changes nothing.",
		Play: func(ctx context.Context, w *World) error {
			sku, err := w.Shelf(ctx, 5)
			if err != nil {
				return err
			}
			order := "foreign-" + uuid.NewString()
			if err := produce(ctx, w, order, sku); err != nil {
				return err
			}
			err = Until(ctx, "the order service has heard of the order", func(ctx context.Context) (bool, error) {
				o, err := w.Find(ctx, order, 0)
				return o.External, err
			})
			if err != nil {
				return err
			}
			if err := errors.Join(w.End(ctx, order, "completed", ""), atDepot(ctx, w, order), correlated(ctx, w, order)); err != nil {
				return err
			}
			return produce(ctx, w, order, sku) // has an id of its own, its place
		},
	}
}

// produce writes the event as a team without the system's code would: the schema from
// the registry, goavro for the value, franz-go with its own partitioner.
func produce(ctx context.Context, w *World, order, sku string) error {
	id, schema, err := w.SchemaID(ctx, "order.events-quintet.order.OrderPlaced", 1)
	if err != nil {
		return err
	}
	codec, err := goavro.NewCodec(schema)
	if err != nil {
		return err
	}
	value, err := codec.BinaryFromNative(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), map[string]any{
		"orderId": order, "customerId": "c-foreign", "email": "grace@example.com", "paymentToken": "tok_ok", "total": int64(500),
		"lines": []any{map[string]any{"sku": sku, "quantity": int32(1), "unitPrice": int64(500)}},
	})
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, &kgo.Record{Topic: "order.events", Key: []byte(order), Value: value}).FirstErr()
}

// atDepot: an order without an address is kept for its customer to collect.
func atDepot(ctx context.Context, w *World, order string) error {
	bookings, err := w.Ledger(ctx, "shipments")
	if err != nil {
		return err
	}
	for _, b := range bookings {
		if b.OrderID == order && b.Outcome == "booked" && b.Delivery == "depot" && b.Address == nil {
			return nil
		}
	}
	return fmt.Errorf("the carrier has no booking to the depot for order %s", order)
}

// correlated: the record's place in the log is its id, and the correlation id of every
// other event of the order.
func correlated(ctx context.Context, w *World, order string) error {
	facts, err := w.Topics.History(ctx, order)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(facts, func(f Fact) bool { return f.Name() == "OrderPlaced" })
	placed := facts[at]
	if want := fmt.Sprintf("%s/%d/%d", placed.Topic, placed.Partition, placed.Offset); placed.ID != want || placed.SchemaVersion != 1 {
		return fmt.Errorf("the foreign record is read as %s, version %d", placed.ID, placed.SchemaVersion)
	}
	for _, f := range facts {
		if f.ID != placed.ID && f.Correlation != placed.ID {
			return fmt.Errorf("%s belongs to story %s, not to that of the foreign record", f, f.Correlation)
		}
	}
	return nil
}
