package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// Producer publishes the outbox. It implements engine.Producer.
type Producer struct {
	async sarama.AsyncProducer
	acks  chan engine.Ack
	leave chan struct{} // closed when nobody waits for answers any more
	done  chan struct{} // closed when results is
}

// Open starts a producer. It waits up to a minute for a broker that answers.
// A producer that failed for good is closed and replaced; it cannot be mended,
// since the broker may have refused its session.
func Open(s Settings) (*Producer, error) {
	async, err := sarama.NewAsyncProducer(s.Brokers, s.producer())
	if err != nil {
		return nil, fmt.Errorf("open producer: %w", err)
	}
	p := &Producer{async: async, acks: make(chan engine.Ack, 256), leave: make(chan struct{}), done: make(chan struct{})}
	go p.collect()
	return p, nil
}

// Publish implements engine.Producer.
func (p *Producer) Publish(ctx context.Context, id string, r *record.Record) {
	m := &sarama.ProducerMessage{Topic: r.Topic, Metadata: id, Headers: make([]sarama.RecordHeader, len(r.Headers))}
	if r.Key != "" {
		m.Key = sarama.StringEncoder(r.Key)
	}
	if r.Value != nil {
		m.Value = sarama.ByteEncoder(r.Value)
	}
	for i, h := range r.Headers {
		m.Headers[i] = sarama.RecordHeader{Key: []byte(h.Name), Value: []byte(h.Value)}
	}
	select {
	case p.async.Input() <- m:
	case <-ctx.Done():
	}
}

// Acks implements engine.Producer.
func (p *Producer) Acks() <-chan engine.Ack { return p.acks }

// collect turns the client's two channels into one. Both are closed once
// everything under way has its answer.
func (p *Producer) collect() {
	defer close(p.done)
	defer close(p.acks)
	acked, failed := p.async.Successes(), p.async.Errors()
	for acked != nil || failed != nil {
		select {
		case <-p.leave:
			go discard(acked, failed)
			return
		case m, open := <-acked:
			if !open {
				acked = nil
				continue
			}
			p.acks <- engine.Ack{ID: m.Metadata.(string)}
		case e, open := <-failed:
			if !open {
				failed = nil
				continue
			}
			p.acks <- engine.Ack{ID: e.Msg.Metadata.(string), Err: verdict(e.Err)}
		}
	}
}

// verdict tells what will be refused again, as it is, from what may pass. A broker
// refuses a batch as one, so any record of it may be at fault. A right on the cluster
// is not told apart: without it nothing can be published, and nothing is set aside.
func verdict(err error) error {
	var tooLarge sarama.ConfigurationError // the client says so before it sends
	if errors.As(err, &tooLarge) {
		return fmt.Errorf("%w: %w", engine.ErrRefused, err)
	}
	for _, refusal := range []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidRecord, sarama.ErrInvalidTopic, sarama.ErrTopicAuthorizationFailed,
	} {
		if errors.Is(err, refusal) {
			return fmt.Errorf("%w: %w", engine.ErrRefused, err)
		}
	}
	return err
}

// closeTime bounds Close. Retries have no bound, so with the broker away
// closing could take as long as the outage; what is not acknowledged by then is
// in the outbox.
const closeTime = 3 * time.Second

// Close implements engine.Producer.
func (p *Producer) Close() error {
	p.async.AsyncClose()
	select {
	case <-p.done:
		return nil
	case <-time.After(closeTime):
		close(p.leave)
		<-p.done
		return errors.New("close producer: the broker has not answered; what it did not acknowledge is published again")
	}
}

// discard lets a producer that was left end on its own: it would wait for ever
// to tell of records that nobody asks about. What it still delivers is a copy
// of what its successor publishes, with the same ids.
func discard(acked <-chan *sarama.ProducerMessage, failed <-chan *sarama.ProducerError) {
	for acked != nil || failed != nil {
		select {
		case _, open := <-acked:
			if !open {
				acked = nil
			}
		case _, open := <-failed:
			if !open {
				failed = nil
			}
		}
	}
}
