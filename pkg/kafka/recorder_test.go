package kafka_test

import (
	"context"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"testing"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
)

// recorder stands in for an engine where a test is about what the consumer
// hands over. It keeps positions as an engine's database does.
type recorder struct {
	consumer *kafka.Consumer

	mu        sync.Mutex
	records   []*record.Record
	positions map[string]int64
}

func (r *recorder) CheckTopics(context.Context, []engine.TopicInfo) error { return nil }

func (r *recorder) OnAssigned(_ context.Context, claims []*engine.Assignment) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range claims {
		next, known := r.positions[c.Topic+"/"+strconv.Itoa(int(c.Partition))]
		if !known {
			next = c.LogStart
		}
		c.Start = next
	}
	return nil
}

func (r *recorder) Enqueue(_ context.Context, c *engine.Assignment, record *record.Record) error {
	r.mu.Lock()
	r.records = append(r.records, record)
	r.positions[c.Topic+"/"+strconv.Itoa(int(c.Partition))] = record.Offset + 1
	r.mu.Unlock()
	c.Commit(record.Offset + 1)
	return nil
}

func (r *recorder) Advance(_ context.Context, c *engine.Assignment, next int64) error {
	r.mu.Lock()
	r.positions[c.Topic+"/"+strconv.Itoa(int(c.Partition))] = next
	r.mu.Unlock()
	c.Commit(next)
	return nil
}

func (r *recorder) Positions(context.Context) (map[string]int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.positions), nil
}

// got returns what was handed over until now.
func (r *recorder) got() []*record.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[:len(r.records):len(r.records)]
}

// recordTopic starts a consumer that writes down what it reads of a topic, until the
// test ends.
func recordTopic(t *testing.T, s kafka.Settings, topic string) *recorder {
	t.Helper()
	s.Instance = "recorder"
	r := &recorder{positions: map[string]int64{}}
	r.run(t, s, topic)
	return r
}

// run reads until the test ends, or stop is called.
func (r *recorder) run(t *testing.T, s kafka.Settings, topic string) (stop func()) {
	t.Helper()
	r.consumer = kafka.NewConsumer(s, r, []string{topic}, nil, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.consumer.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}
