package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/e2e"
)

// poisonKey begins the key of each record that no service can read. No order has such a
// key.
const poisonKey = "poison-"

// whoPlaced are the services that subscribe to placed orders. Each parks a record that it
// cannot read, retries it, and gives up with a dead letter.
var whoPlaced = []string{"email", "inventory", "payment", "shipping"}

// poisoner publishes records that no service can read among those of placed orders.
type poisoner struct {
	client   sarama.Client
	producer sarama.SyncProducer
	puts     atomic.Int64
}

func newPoisoner(brokers []string) (*poisoner, error) {
	c, err := client(brokers)
	if err != nil {
		return nil, err
	}
	c.Config().Producer.Return.Successes = true // a synchronous producer requires it
	producer, err := sarama.NewSyncProducerFromClient(c)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("poison: %w", err), c.Close())
	}
	return &poisoner{client: c, producer: producer}, nil
}

func (p *poisoner) put(name string) error {
	_, _, err := p.producer.SendMessage(&sarama.ProducerMessage{
		Topic: "order.events", Key: sarama.StringEncoder(poisonKey + name), Value: sarama.StringEncoder("no Avro"),
		Headers: []sarama.RecordHeader{{Key: []byte("ce_id"), Value: []byte(poisonKey + name)}, {Key: []byte("ce_type"), Value: []byte("quintet.order.OrderPlaced")}},
	})
	if err != nil {
		return fmt.Errorf("poison: %w", err)
	}
	p.puts.Add(1)
	return nil
}

func (p *poisoner) close() error { return errors.Join(p.producer.Close(), p.client.Close()) }

// givenUp waits until every subscriber has given up every record that it cannot read.
func (p *poisoner) givenUp(ctx context.Context) error {
	return e2e.Until(ctx, "all poison has its dead letters", func(context.Context) (bool, error) {
		n, err := appended(p.client, "dead-letter")
		if want := p.puts.Load() * int64(len(whoPlaced)); err == nil && n < want {
			err = fmt.Errorf("%d of %d are there", n, want)
		}
		return err == nil, err
	})
}

// letters are the services that gave up a record of poison, by its key.
type letters map[string][]string

// take records a fact about poison, and reports whether the fact is one.
func (l letters) take(f e2e.Fact) bool {
	if !strings.HasPrefix(f.Key, poisonKey) {
		return false
	}
	if f.Dead != nil && !slices.Contains(l[f.Key], f.Dead.Service) {
		l[f.Key] = append(l[f.Key], f.Dead.Service)
	}
	return true
}

// problems are the records of poison without a dead letter of every subscriber.
func (l letters) problems(puts int) (all []string) {
	if len(l) != puts {
		all = append(all, fmt.Sprintf("%d records that nobody can read have dead letters, and there were %d", len(l), puts))
	}
	for key, services := range l {
		if slices.Sort(services); !slices.Equal(services, whoPlaced) {
			all = append(all, fmt.Sprintf("%s was given up by %v, and should be by %v", key, services, whoPlaced))
		}
	}
	return all
}
