// Package watermill runs a service as Watermill's documentation shows it: a router, its
// Kafka subscriber and publisher, handlers in a transaction, and an outbox in SQL that
// its forwarder empties.
package watermill

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	mill "github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"golang.org/x/sync/errgroup"

	"github.com/quintet-eda/quintet/e2e/peers/peer"
	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// Knobs are what the tuned arm does differently. The module's README explains each.
type Knobs struct {
	Outboxes int           // tables, each with a forwarder of its own; a key always takes the same
	Poll     time.Duration // of a forwarder that found nothing; 0: Watermill's default
	Batch    int           // rows that a forwarder reads at once; 0: Watermill's default
	Payload  string        // type of the payload's column; empty: Watermill's default
	Sweep    bool          // sent rows are deleted; Watermill's default schema keeps them for ever
	Gather   time.Duration // that the broker gathers records for a fetch; 0: it answers with the first
}

// Documented leaves every default as it is, Tuned sets the knobs in good faith.
var (
	Documented = Knobs{Outboxes: 1}
	Tuned      = Knobs{Outboxes: 2, Poll: 20 * time.Millisecond, Batch: 1000, Payload: "BYTEA", Sweep: true, Gather: 20 * time.Millisecond}
)

type runtime struct {
	*peer.Peer
	log    mill.LoggerAdapter
	outbox *outbox
}

// Open makes the runtime of a service.
func (k Knobs) Open(p *peer.Peer) (peer.Runtime, error) {
	log := mill.NewSlogLoggerWithLevelMapping(p.Log, quiet)
	box, err := openOutbox(p, k, log)
	if err != nil {
		return nil, err
	}
	return &runtime{Peer: p, log: log, outbox: box}, nil
}

// Submit handles a command as a message is handled.
func (r *runtime) Submit(ctx context.Context, c engine.Command) (json.RawMessage, error) {
	in := peer.Command(c)
	return peer.Answer(in, r.Once(ctx, in, r.outbox.put))
}

// Run runs the router and the forwarders until ctx ends.
func (r *runtime) Run(ctx context.Context) error {
	router, err := message.NewRouter(message.RouterConfig{}, r.log)
	if err != nil {
		return err
	}
	router.AddMiddleware(middleware.Retry{MaxRetries: 3, InitialInterval: 100 * time.Millisecond, Logger: r.log}.Middleware, middleware.Recoverer)
	c := kafka.DefaultSaramaSubscriberConfig()
	c.Version = r.Client().Version
	c.Consumer.Offsets.Initial = r.Client().Consumer.Offsets.Initial
	if r.outbox.knobs.Gather > 0 {
		c.Consumer.MaxWaitTime, c.Consumer.Fetch.Min = r.outbox.knobs.Gather, 64<<10
	}
	subscriber, err := kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers: r.Config.Brokers, Unmarshaler: marshaler, OverwriteSaramaConfig: c, ConsumerGroup: r.Service,
	}, r.log)
	if err != nil {
		return err
	}
	for _, topic := range r.Topics {
		router.AddConsumerHandler(topic, topic, subscriber, func(m *message.Message) error { return r.handle(topic, m) })
	}
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return router.Run(ctx) })
	for _, f := range r.outbox.forwarders {
		running.Go(func() error { return f.Run(ctx) })
	}
	for _, started := range append(r.outbox.started(), router.Running()) {
		select {
		case <-started:
		case <-ctx.Done():
		}
	}
	if ctx.Err() == nil {
		r.Ready()
	}
	return errors.Join(running.Wait(), r.outbox.close())
}

func (r *runtime) handle(topic string, m *message.Message) error {
	key, _ := kafka.MessageKeyFromCtx(m.Context())
	read := &record.Record{Topic: topic, Key: string(key), Value: m.Payload}
	for name, value := range m.Metadata {
		read.Headers = append(read.Headers, record.Header{Name: name, Value: value})
	}
	in, err := r.Read(m.Context(), read)
	if err != nil || in == nil {
		return err
	}
	return r.Once(m.Context(), in, r.outbox.put)
}
