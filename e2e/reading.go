package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// partition is a part of a topic.
type partition struct {
	topic string
	n     int32
}

func (t *Topics) connect() (sarama.Client, error) {
	c := sarama.NewConfig()
	c.ClientID = "quintet-history"
	c.Version = sarama.V3_6_0_0
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	c.Consumer.MaxWaitTime = 100 * time.Millisecond
	c.Consumer.Retry.Backoff = 100 * time.Millisecond // the broker may be on its way back
	c.Metadata.AllowAutoTopicCreation = false
	client, err := sarama.NewClient(t.brokers, c)
	if err != nil {
		return nil, fmt.Errorf("connect to brokers %q: %w", t.brokers, err)
	}
	return client, nil
}

// offsets reads the first or the last offset of each partition of the system's topics.
// A topic that does not exist yet is left out.
func offsets(client sarama.Client, which int64) (map[partition]int64, error) {
	existing, err := client.Topics()
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	at := map[partition]int64{}
	for _, topic := range topicNames() {
		if !slices.Contains(existing, topic) {
			continue
		}
		parts, err := client.Partitions(topic)
		if err != nil {
			return nil, fmt.Errorf("list partitions of %s: %w", topic, err)
		}
		for _, n := range parts {
			offset, err := client.GetOffset(topic, n, which)
			if err != nil {
				return nil, fmt.Errorf("ask for an offset of %s/%d: %w", topic, n, err)
			}
			at[partition{topic, n}] = offset
		}
	}
	return at, nil
}

// consume reads the partitions from the given offsets into one channel, until
// ctx ends.
func (t *Topics) consume(ctx context.Context, client sarama.Client, from map[partition]int64) (<-chan *sarama.ConsumerMessage, error) {
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	records := make(chan *sarama.ConsumerMessage)
	for p, offset := range from {
		part, err := consumer.ConsumePartition(p.topic, p.n, offset)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read %s/%d: %w", p.topic, p.n, err), consumer.Close())
		}
		go func() {
			defer part.AsyncClose()
			for {
				select {
				case m, open := <-part.Messages():
					if !open {
						return
					}
					select {
					case records <- m:
					case <-ctx.Done():
						return
					}
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	return records, nil
}
