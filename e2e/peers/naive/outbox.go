package naive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/e2e/peers/peer"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

// What the relay reads at once, and how long it rests when there is nothing.
const (
	pageSize  = 100
	pollEvery = 10 * time.Millisecond
)

// outbox holds what is committed and not yet sent.
type outbox struct{ *peer.Peer }

type row struct {
	n int64
	record.Record
}

// put adds events in the transaction that made them.
func (o outbox) put(ctx context.Context, tx *store.Tx, records []record.Record) error {
	for i := range records {
		headers, err := json.Marshal(records[i].Headers)
		if err != nil {
			return err
		}
		if err := tx.Exec(ctx, `INSERT INTO outbox (topic, key, headers, value) VALUES (?, ?, ?, ?)`,
			records[i].Topic, records[i].Key, string(headers), records[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// relay sends row after row, in their order, until ctx ends.
func (o outbox) relay(ctx context.Context) error {
	producer, err := sarama.NewSyncProducer(o.Config.Brokers, o.Producer())
	if err != nil {
		return fmt.Errorf("open producer: %w", err)
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for ctx.Err() == nil {
		rows, err := o.page(ctx)
		for i := 0; i < len(rows) && err == nil; i++ {
			err = o.send(ctx, producer, &rows[i])
		}
		if err != nil && ctx.Err() == nil {
			o.Log.Warn("relay: trying again", "error", err)
		}
		if len(rows) < pageSize || err != nil {
			select {
			case <-poll.C:
			case <-ctx.Done():
			}
		}
	}
	return producer.Close()
}

// page reads the oldest rows.
func (o outbox) page(ctx context.Context) ([]row, error) {
	found, err := o.DB.Read().QueryContext(ctx, `SELECT n, topic, key, headers, value FROM outbox ORDER BY n LIMIT ?`, pageSize)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var rows []row
	for found.Next() {
		var r row
		var headers string
		if err := errors.Join(found.Scan(&r.n, &r.Topic, &r.Key, &headers, &r.Value), json.Unmarshal([]byte(headers), &r.Headers)); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

// send sends one row and deletes it, in a transaction: a row that another instance
// has sent meanwhile is gone, and one that could not be sent stays.
func (o outbox) send(ctx context.Context, producer sarama.SyncProducer, r *row) error {
	return o.DB.Do(ctx, func(tx *store.Tx) error {
		there := false
		err := tx.Each(ctx, func(scan func(...any) error) error { there = true; return scan(new(int64)) }, `DELETE FROM outbox WHERE n = ? RETURNING n`, r.n)
		if err != nil || !there {
			return err
		}
		_, _, err = producer.SendMessage(peer.Message(&r.Record))
		return err
	})
}
