package broker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

type position struct {
	partition int32
	offset    int64
}

// load is one idempotent producer that sends numbered records for as long as it runs.
type load struct {
	t        *testing.T
	producer sarama.AsyncProducer
	quit     chan struct{}
	running  sync.WaitGroup

	mu           sync.Mutex
	changed      chan struct{} // closed and replaced at each acknowledgement
	acknowledged []*sarama.ProducerMessage
}

func startLoad(t *testing.T, addr string) *load {
	t.Helper()
	producer, err := sarama.NewAsyncProducer([]string{addr}, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	l := &load{t: t, producer: producer, quit: make(chan struct{}), changed: make(chan struct{})}
	l.running.Add(3)
	go l.send()
	go l.note()
	go func() {
		defer l.running.Done()
		// The client gives up a batch for which it finds no leader just then, or that is
		// unsent at the end. It was not acknowledged, so it is owed nothing: a service's
		// relay publishes it again, with another producer.
		refused := 0
		for range producer.Errors() {
			refused++
		}
		t.Logf("%d records were given up", refused)
	}()
	return l
}

func (l *load) send() {
	defer l.running.Done()
	defer l.producer.AsyncClose()
	for n := 0; ; n++ {
		message := &sarama.ProducerMessage{
			Topic: topic,
			Key:   sarama.StringEncoder(fmt.Sprintf("order %d", n%500)),
			Value: sarama.StringEncoder(fmt.Sprintf("record %d", n)),
		}
		select {
		case l.producer.Input() <- message:
		case <-l.quit:
			return
		}
	}
}

func (l *load) note() {
	defer l.running.Done()
	for message := range l.producer.Successes() {
		l.mu.Lock()
		l.acknowledged = append(l.acknowledged, message)
		close(l.changed)
		l.changed = make(chan struct{})
		l.mu.Unlock()
	}
}

func (l *load) waitForMore(n int) {
	l.t.Helper()
	ctx := testContext(l.t)
	l.mu.Lock()
	want := len(l.acknowledged) + n
	l.mu.Unlock()
	for {
		l.mu.Lock()
		have, changed := len(l.acknowledged), l.changed
		l.mu.Unlock()
		if have >= want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			l.t.Fatalf("%d acknowledged, waited for %d", have, want)
		}
	}
}

// stop ends the load once all that was sent is answered.
func (l *load) stop() []*sarama.ProducerMessage {
	close(l.quit)
	l.running.Wait()
	return l.acknowledged
}

// readAll reads every record of the topic, and fails at a gap in the offsets.
func readAll(t *testing.T, addr string) map[position]string {
	t.Helper()
	client, err := sarama.NewClient([]string{addr}, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	partitions, err := client.Partitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	stored := make(map[position]string)
	for _, p := range partitions {
		end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		records, err := consumer.ConsumePartition(topic, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		for offset := range end {
			select {
			case m := <-records.Messages():
				if m.Offset != offset {
					t.Fatalf("partition %d: offset %d follows %d", p, m.Offset, offset-1)
				}
				stored[position{p, offset}] = string(m.Value)
			case <-testContext(t).Done():
				t.Fatalf("partition %d ends at %d of %d", p, offset, end)
			}
		}
		_ = records.Close()
	}
	return stored
}

// member is a static member of a consumer group.
type member struct {
	addr    string
	group   sarama.ConsumerGroup
	records chan string
	leave   context.CancelFunc
	done    chan struct{}
}

func joinGroup(t *testing.T, addr string) *member {
	t.Helper()
	config := clientConfig()
	config.Consumer.Group.InstanceId = "inventory-0"
	group, err := sarama.NewConsumerGroup([]string{addr}, "inventory", config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(context.Background())
	m := &member{addr: addr, group: group, records: make(chan string), leave: leave, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		for ctx.Err() == nil {
			_ = group.Consume(ctx, []string{topic}, m) // fails while the broker is down
		}
	}()
	return m
}

func (m *member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			select {
			case m.records <- string(record.Value):
				session.MarkMessage(record, "")
			case <-session.Context().Done():
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m *member) next(t *testing.T) string {
	t.Helper()
	select {
	case value := <-m.records:
		return value
	case <-testContext(t).Done():
		t.Fatal("the member got no record")
		return ""
	}
}

// waitCommitted returns when the group's offsets add up to the number of records it has handled.
func (m *member) waitCommitted(t *testing.T, records int64) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{m.addr}, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	ctx, ticks := testContext(t), time.NewTicker(20*time.Millisecond)
	defer ticks.Stop()
	for {
		offsets, err := admin.ListConsumerGroupOffsets("inventory", nil)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, block := range offsets.Blocks[topic] {
			sum += max(block.Offset, 0)
		}
		if sum == records {
			return
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			t.Fatalf("committed %d, want %d", sum, records)
		}
	}
}

func (m *member) close(t *testing.T) {
	t.Helper()
	m.leave()
	_ = m.group.Close()
	<-m.done
}
