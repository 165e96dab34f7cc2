// Package naive runs a service as the usual loop over Sarama does: a consumer group
// handler with a transaction per record, and an outbox that is polled.
package naive

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/e2e/peers/peer"
	"github.com/quintet-eda/quintet/pkg/engine"
)

// pollTime is how long the broker holds a fetch when there is nothing. It is short
// because session.Commit waits for the fetch that is under way, on the same connection:
// with Sarama's default of 500 ms, each record would take half a second.
const pollTime = 10 * time.Millisecond

type loop struct {
	*peer.Peer
	put   peer.Publish
	relay func(context.Context) error // nil: another program publishes
}

// Open makes the runtime of a service that polls its outbox.
func Open(p *peer.Peer) (peer.Runtime, error) {
	o := outbox{p}
	return &loop{p, o.put, o.relay}, nil
}

// OpenLogged makes the runtime of a service whose outbox Debezium reads from the
// database's log.
func OpenLogged(p *peer.Peer) (peer.Runtime, error) {
	return &loop{p, log, nil}, nil
}

// Submit handles a command as a record is handled.
func (l *loop) Submit(ctx context.Context, c engine.Command) (json.RawMessage, error) {
	in := peer.Command(c)
	return peer.Answer(in, l.Once(ctx, in, l.put))
}

// Run consumes, and relays if the service does, until ctx ends.
func (l *loop) Run(ctx context.Context) error {
	c := l.Client()
	c.Consumer.MaxWaitTime = pollTime
	c.Consumer.Offsets.AutoCommit.Enable = false
	if l.relay == nil {
		return l.Consume(ctx, c, l.consume)
	}
	relayed := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer stop()
		relayed <- l.relay(ctx)
	}()
	err := l.Consume(ctx, c, l.consume)
	stop()
	return errors.Join(err, <-relayed)
}

func (l *loop) consume(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx := session.Context()
	for {
		select {
		case m, open := <-claim.Messages():
			if !open {
				return nil
			}
			if err := l.Insist(ctx, func() error { return l.handle(ctx, m) }); err != nil {
				return nil //nolint:nilerror // the session has ended, and whoever has the partition next begins with this record
			}
			session.MarkMessage(m, "")
			session.Commit()
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *loop) handle(ctx context.Context, m *sarama.ConsumerMessage) error {
	in, err := l.Read(ctx, peer.Record(m))
	if err != nil || in == nil {
		return err
	}
	return l.Once(ctx, in, l.put)
}
