package watermill

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"

	mill "github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	"github.com/ThreeDotsLabs/watermill/message"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the forwarders' connections

	"github.com/quintet-eda/quintet/e2e/peers/peer"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

// keyHeader carries a record's key through the outbox, to the broker.
const keyHeader = "key"

// marshaler gives a record its key, by which the broker orders.
var marshaler = kafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) {
	return m.Metadata.Get(keyHeader), nil
})

// quiet has Watermill tell only of trouble: it has a line for every step.
var quiet = map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug}

// outbox is Watermill's: tables that the SQL publisher writes to in the handler's
// transaction, and forwarders that read them and publish to the broker.
type outbox struct {
	knobs      Knobs
	schema     sql.DefaultPostgreSQLSchema
	log        mill.LoggerAdapter
	db         *stdsql.DB
	publisher  message.Publisher
	forwarders []*forwarder.Forwarder
}

func openOutbox(p *peer.Peer, k Knobs, log mill.LoggerAdapter) (*outbox, error) {
	o := &outbox{knobs: k, log: log, schema: sql.DefaultPostgreSQLSchema{SubscribeBatchSize: k.Batch}}
	if k.Payload != "" {
		o.schema.GeneratePayloadType = func(string) string { return k.Payload }
	}
	var err error
	if o.db, err = stdsql.Open("pgx", p.Config.Database); err != nil {
		return nil, err
	}
	c := kafka.DefaultSaramaSyncPublisherConfig()
	c.Version = p.Client().Version
	if o.publisher, err = kafka.NewPublisher(kafka.PublisherConfig{Brokers: p.Config.Brokers, Marshaler: marshaler, OverwriteSaramaConfig: c}, log); err != nil {
		return nil, err
	}
	for i := range k.Outboxes {
		subscriber, err := sql.NewSubscriber(sql.BeginnerFromStdSQL(o.db), sql.SubscriberConfig{
			SchemaAdapter: o.schema, OffsetsAdapter: k.offsets(o.schema), PollInterval: k.Poll, InitializeSchema: true,
		}, log)
		if err != nil {
			return nil, err
		}
		// Before a command is taken, which has no table to write to else.
		if err := subscriber.SubscribeInitialize(table(i)); err != nil {
			return nil, err
		}
		f, err := forwarder.NewForwarder(subscriber, o.publisher, log, forwarder.Config{ForwarderTopic: table(i)})
		if err != nil {
			return nil, err
		}
		o.forwarders = append(o.forwarders, f)
	}
	return o, nil
}

func table(i int) string { return fmt.Sprintf("outbox_%d", i) }

// put publishes events in the transaction that made them.
func (o *outbox) put(ctx context.Context, tx *store.Tx, records []record.Record) error {
	if len(records) == 0 {
		return nil
	}
	inTx, err := sql.NewPublisher(executor{tx}, sql.PublisherConfig{SchemaAdapter: o.schema}, o.log)
	if err != nil {
		return err
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(records[0].Key)) // a hash takes everything; a reaction's events have one key
	publisher := forwarder.NewPublisher(inTx, forwarder.PublisherConfig{ForwarderTopic: table(int(hash.Sum32()) % o.knobs.Outboxes)})
	for _, r := range records {
		m := message.NewMessageWithContext(ctx, mill.NewUUID(), r.Value)
		m.Metadata.Set(keyHeader, r.Key)
		for _, h := range r.Headers {
			m.Metadata.Set(h.Name, h.Value)
		}
		if err := publisher.Publish(r.Topic, m); err != nil {
			return err
		}
	}
	return nil
}

// started are closed once the forwarders run.
func (o *outbox) started() (all []chan struct{}) {
	for _, f := range o.forwarders {
		all = append(all, f.Running())
	}
	return all
}

func (o *outbox) close() error { return errors.Join(o.publisher.Close(), o.db.Close()) }

// executor lets Watermill's publisher write in the product's transaction.
type executor struct{ tx *store.Tx }

func (e executor) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return driver.ResultNoRows, e.tx.Exec(ctx, query, args...) // the publisher does not ask
}

func (executor) QueryContext(context.Context, string, ...any) (sql.Rows, error) {
	return nil, errors.New("a publisher only writes")
}
