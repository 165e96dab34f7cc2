package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/record"
)

// Client is what every client of the broker is configured with. The version is one
// that Kafka 4 still speaks, which the oldest of Sarama's are not.
func (p *Peer) Client() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = p.Service
	c.Version = sarama.V3_6_0_0
	c.Metadata.AllowAutoTopicCreation = false
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	return c
}

// Producer is a client that loses nothing and keeps the order of a key.
func (p *Peer) Producer() *sarama.Config {
	c := p.Client()
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1 // required by Idempotent
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewMurmur2Partitioner
	return c
}

// Claim handles one partition's records for as long as it is assigned.
type Claim func(sarama.ConsumerGroupSession, sarama.ConsumerGroupClaim) error

// Consume reads the service's topics as a member of its group until ctx ends.
func (p *Peer) Consume(ctx context.Context, c *sarama.Config, claim Claim) error {
	group, err := sarama.NewConsumerGroup(p.Config.Brokers, p.Service, c)
	if err != nil {
		return fmt.Errorf("join group %s: %w", p.Service, err)
	}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, p.Topics, member{p, claim}); err != nil {
			p.Log.Warn("consume: joining again", "error", err)
			wait(ctx, time.Second)
		}
	}
	return group.Close()
}

// member implements sarama.ConsumerGroupHandler.
type member struct {
	peer  *Peer
	claim Claim
}

func (m member) Setup(sarama.ConsumerGroupSession) error {
	m.peer.Ready()
	return nil
}

func (m member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m member) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	return m.claim(s, c)
}

// Insist repeats what fails until it works. It returns an error only when ctx ends: to
// go on with the next record would be to skip this one.
func (p *Peer) Insist(ctx context.Context, work func() error) error {
	for {
		err := work()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			p.Log.Warn("trying again", "error", err)
		}
		if !wait(ctx, 50*time.Millisecond) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// Record is a record as the client delivers it.
func Record(m *sarama.ConsumerMessage) *record.Record {
	r := &record.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: string(m.Key), Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, record.Header{Name: string(h.Key), Value: string(h.Value)})
	}
	return r
}

// Message is a record as the client sends it.
func Message(r *record.Record) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: r.Topic, Key: sarama.StringEncoder(r.Key), Value: sarama.ByteEncoder(r.Value)}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: []byte(h.Value)})
	}
	return m
}
