package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// client is a connection to the broker for reading. It receives records as soon as they
// are appended: a wait here would add to every latency.
func client(brokers []string) (sarama.Client, error) {
	c := sarama.NewConfig()
	c.ClientID, c.Version = "quintet-bench", sarama.V3_6_0_0
	c.Metadata.AllowAutoTopicCreation = false
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	client, err := sarama.NewClient(brokers, c)
	if err != nil {
		return nil, fmt.Errorf("connect to brokers %q: %w", brokers, err)
	}
	return client, nil
}

// typeOf is the event's type without its namespace, from the record's headers. A reader
// that decodes every value would take CPU from the measured system.
func typeOf(headers []*sarama.RecordHeader) string {
	for _, h := range headers {
		if string(h.Key) == "ce_type" {
			return afterDot(string(h.Value))
		}
	}
	return ""
}

// watch calls seen for each OrderCompleted that is appended from now on, until the
// returned function is called.
func watch(ctx context.Context, brokers []string, seen func(order string, at time.Time)) (stop func(), err error) {
	c, err := client(brokers)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	stop = func() {
		cancel()
		reading.Wait()
		_ = c.Close() // reading leaves nothing to lose
	}
	consumer, err := sarama.NewConsumerFromClient(c)
	if err != nil {
		stop()
		return nil, fmt.Errorf("watch completions: %w", err)
	}
	const topic = "order.events"
	partitions, err := c.Partitions(topic)
	if err != nil {
		stop()
		return nil, fmt.Errorf("watch completions: %w", err)
	}
	for _, n := range partitions {
		part, err := consumer.ConsumePartition(topic, n, sarama.OffsetNewest)
		if err != nil {
			stop()
			return nil, fmt.Errorf("watch %s/%d: %w", topic, n, err)
		}
		reading.Go(func() {
			defer part.AsyncClose()
			for {
				select {
				case m := <-part.Messages():
					if m != nil && typeOf(m.Headers) == "OrderCompleted" {
						seen(string(m.Key), time.Now())
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return stop, nil
}

func afterDot(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// quiet is the time without a new record after which a system is at rest.
const quiet = 2 * time.Second

// still waits until no topic has grown for a while.
func still(ctx context.Context, brokers []string) error {
	c, err := client(brokers)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // reading leaves nothing to lose
	for before := int64(-1); ; {
		now, err := appended(c, "events")
		if err != nil || now == before {
			return err
		}
		before = now
		if err := until(ctx, time.Now().Add(quiet)); err != nil {
			return err
		}
	}
}

// appended is the number of records on the topics of a kind: events, dead-letter.
func appended(c sarama.Client, kind string) (n int64, err error) {
	for _, service := range Services {
		topic := service + "." + kind
		partitions, err := c.Partitions(topic)
		if err != nil {
			return 0, fmt.Errorf("list partitions of %s: %w", topic, err)
		}
		for _, p := range partitions {
			end, err := c.GetOffset(topic, p, sarama.OffsetNewest)
			if err != nil {
				return 0, fmt.Errorf("ask for the end of %s/%d: %w", topic, p, err)
			}
			n += end
		}
	}
	return n, nil
}

// createTopics creates all event topics, also those of services that an arm runs
// without. The running services are not ready before all topics exist.
func createTopics(brokers []string) error {
	c, err := client(brokers)
	if err != nil {
		return err
	}
	admin, err := sarama.NewClusterAdminFromClient(c)
	if err != nil {
		return errors.Join(fmt.Errorf("connect to brokers %q: %w", brokers, err), c.Close())
	}
	defer func() { _ = admin.Close() }() // it has done its work
	for _, service := range Services {
		if err := create(admin, service+".events", partitions); err != nil {
			return err
		}
	}
	return nil
}
