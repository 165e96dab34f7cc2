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
	leave chan struct{} // closed when Close no longer waits for results
	done  chan struct{} // closed after acks
}

// Open starts a producer. It waits up to a minute for a broker that answers. The caller
// closes and replaces a producer that failed for good. Such a producer cannot recover,
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

// collect merges the client's two channels into one. The client closes both once it has
// a result for every record in flight.
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

// verdict marks an error with engine.ErrRefused if the broker will refuse the same
// record again. Any other error may pass. A broker refuses a batch as a whole, so any
// record of it may be at fault. A missing right on the cluster is not marked. Without
// that right nothing can be published, and nothing is set aside.
func verdict(err error) error {
	var tooLarge sarama.ConfigurationError // the client reports this before it sends
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

// closeTime bounds Close. The client retries for minutes, so without a broker a close
// could take as long. Records that are not acknowledged by then are in the outbox.
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

// discard lets an abandoned producer end on its own. Without a receiver the producer
// would block for ever on results that nothing reads. A record that it still delivers
// is a copy of a record that its successor publishes, with the same id.
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
