package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Producer publishes the outbox. It implements flow.Log.
type Producer struct {
	async   sarama.AsyncProducer
	results chan flow.Published
	leave   chan struct{} // closed when nobody waits for answers any more
	done    chan struct{} // closed when results is
}

// Open starts a producer. It waits up to a minute for a broker that answers.
// A producer that failed for good is closed and replaced; it cannot be mended,
// since the broker may have refused its session.
func Open(s Settings) (*Producer, error) {
	async, err := sarama.NewAsyncProducer(s.Brokers, s.producer())
	if err != nil {
		return nil, fmt.Errorf("open producer: %w", err)
	}
	p := &Producer{async: async, results: make(chan flow.Published, 256), leave: make(chan struct{}), done: make(chan struct{})}
	go p.collect()
	return p, nil
}

// Publish implements flow.Log.
func (p *Producer) Publish(ctx context.Context, id string, r *flow.Record) {
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

// Results implements flow.Log.
func (p *Producer) Results() <-chan flow.Published { return p.results }

// collect turns the client's two channels into one. Both are closed once
// everything under way has its answer.
func (p *Producer) collect() {
	defer close(p.done)
	defer close(p.results)
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
			p.results <- flow.Published{ID: m.Metadata.(string)}
		case e, open := <-failed:
			if !open {
				failed = nil
				continue
			}
			p.results <- flow.Published{ID: e.Msg.Metadata.(string), Err: e.Err}
		}
	}
}

// closeTime bounds Close. Retries have no bound, so with the broker away
// closing could take as long as the outage; what is not acknowledged by then is
// in the outbox.
const closeTime = 3 * time.Second

// Close implements flow.Log.
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
