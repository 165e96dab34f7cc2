// Package dualwrite runs a service by dual writes: a batch of inputs is folded, states are
// written in one transaction, then the events are produced. There is no inbox and no
// outbox, so a process that dies in between loses events. It is the price of safety,
// and nobody should run it.
package dualwrite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/e2e/peers/peer"
	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// maxBatch bounds a batch, as it does in the product.
const maxBatch = 500

// item is an input on its way, and what is to be done once its events are out.
type item struct {
	in   *peer.Input
	done func(error)
}

type loop struct {
	*peer.Peer
	items chan item
}

// Open makes the runtime of a service.
func Open(p *peer.Peer) (peer.Runtime, error) {
	return &loop{Peer: p, items: make(chan item, maxBatch)}, nil
}

// Submit hands a command to the next batch and waits until its events are out.
func (l *loop) Submit(ctx context.Context, c engine.Command) (json.RawMessage, error) {
	in, ended := peer.Command(c), make(chan error, 1)
	select {
	case l.items <- item{in, func(err error) { ended <- err }}:
	case <-ctx.Done():
		return nil, engine.ErrUnavailable
	}
	select {
	case err := <-ended:
		return peer.Answer(in, err)
	case <-ctx.Done():
		return nil, engine.ErrOutcomeUnknown
	}
}

// written is a batch whose states are committed.
type written struct {
	items   []item
	records []record.Record
	err     error
}

// Run folds batch after batch until ctx ends. The next one is folded while the events
// of the one before are under way.
func (l *loop) Run(ctx context.Context) error {
	producer, err := sarama.NewAsyncProducer(l.Config.Brokers, l.Producer())
	if err != nil {
		return fmt.Errorf("open producer: %w", err)
	}
	batches := make(chan written, 1)
	var working sync.WaitGroup
	working.Go(func() {
		defer close(batches)
		l.fold(ctx, batches)
	})
	working.Go(func() {
		for b := range batches {
			err := errors.Join(b.err, l.produce(ctx, producer, b.records))
			for _, it := range b.items {
				it.done(err)
			}
		}
	})
	err = l.Consume(ctx, l.Client(), l.consume)
	working.Wait()
	return errors.Join(err, producer.Close())
}

// consume queues records. A record is marked once its batch is out; the client commits
// what is marked, every second.
func (l *loop) consume(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx := session.Context()
	for {
		select {
		case m, open := <-claim.Messages():
			if !open {
				return nil
			}
			in, err := l.Read(ctx, peer.Record(m))
			if err != nil {
				return fmt.Errorf("read record %s/%d/%d: %w", m.Topic, m.Partition, m.Offset, err)
			}
			if in == nil {
				continue // nobody waits for its mark, and a later record's covers it
			}
			select {
			case l.items <- item{in, func(err error) { l.mark(session, m, errors.Join(err, in.Err)) }}:
			case <-ctx.Done():
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *loop) mark(session sarama.ConsumerGroupSession, m *sarama.ConsumerMessage, err error) {
	if err != nil {
		l.Log.Error("record is lost", "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "error", err)
	}
	session.MarkMessage(m, "")
}

// fold gathers what has arrived while the batch before was written.
func (l *loop) fold(ctx context.Context, batches chan<- written) {
	for {
		var b written
		select {
		case it := <-l.items:
			b.items = append(b.items, it)
		case <-ctx.Done():
			return
		}
		for more := true; more && len(b.items) < maxBatch; {
			select {
			case it := <-l.items:
				b.items = append(b.items, it)
			default:
				more = false
			}
		}
		inputs := make([]*peer.Input, len(b.items))
		for i, it := range b.items {
			inputs[i] = it.in
		}
		b.records, b.err = l.Batch(ctx, inputs)
		batches <- b
	}
}

// produce sends all and waits for every answer.
func (l *loop) produce(ctx context.Context, producer sarama.AsyncProducer, records []record.Record) error {
	go func() {
		for i := range records {
			producer.Input() <- peer.Message(&records[i])
		}
	}()
	var errs []error
	for range records {
		select {
		case <-producer.Successes():
		case failed := <-producer.Errors():
			errs = append(errs, failed)
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}
