package bench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// hop is the events that a service publishes for an event, in the story without faults.
type hop struct {
	reads []string // topics, even if most of their records cause no reaction
	emits map[string]string
}

var hops = map[string]hop{
	"order":     {order.Flow.Topics(), map[string]string{"ShipmentCreated": "OrderCompleted"}},
	"inventory": {inventory.Flow.Topics(), map[string]string{"OrderPlaced": "StockReserved"}},
	"payment":   {payment.Flow.Topics(), map[string]string{"StockReserved": "PaymentProcessed"}},
	"shipping":  {shipping.Flow.Topics(), map[string]string{"PaymentProcessed": "ShipmentCreated"}},
	"email":     {email.Flow.Topics(), map[string]string{"OrderPlaced": "NotificationSent", "OrderCompleted": "NotificationSent"}},
}

// sizes are the lengths of the events' values, as our services write them.
var sizes = map[string]int{
	"OrderPlaced": 174, "StockReserved": 42, "PaymentProcessed": 85, "ShipmentCreated": 94, "OrderCompleted": 42, "NotificationSent": 80,
}

// hopper is a service that only reads and publishes: our service without database,
// reactions, codec and outside world. A crash loses its unpublished events.
type hopper struct {
	hop
	name     string
	producer sarama.AsyncProducer
	joined   chan struct{} // closed when it reads
	once     sync.Once
}

// Hop runs a service of the arm T until ctx ends.
func Hop(ctx context.Context, name string) error {
	var c service.Config
	number := map[string]int{"order": 1, "inventory": 2, "payment": 3, "shipping": 4, "email": 5}[name]
	if number == 0 {
		return fmt.Errorf("there is no service %q", name)
	}
	if err := service.Load(&c, &c, name, number).Err(name); err != nil {
		return err
	}
	h := &hopper{hop: hops[name], name: name, joined: make(chan struct{})}
	group, err := h.connect(ctx, c)
	if err != nil {
		return err
	}
	var working sync.WaitGroup
	working.Go(func() {
		for ctx.Err() == nil {
			if err := group.Consume(ctx, h.reads, h); err != nil && ctx.Err() == nil {
				slog.Warn("cannot read", "error", err)
			}
		}
	})
	working.Go(h.acknowledged)
	server := &http.Server{Addr: c.HTTPAddr, Handler: h.routes(), ReadHeaderTimeout: time.Second}
	working.Go(func() {
		<-ctx.Done()
		_ = server.Close() // no client waits for an answer any more
		_ = group.Close()
		h.producer.AsyncClose()
	})
	err = server.ListenAndServe()
	working.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// connect creates the service's topic and waits for the topics that it reads. The
// settings are those of pkg/kafka.
func (h *hopper) connect(ctx context.Context, c service.Config) (sarama.ConsumerGroup, error) {
	s := sarama.NewConfig()
	s.ClientID, s.Version = h.name, sarama.V3_6_0_0
	s.Producer.Idempotent, s.Producer.RequiredAcks, s.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
	s.Producer.Return.Successes, s.Producer.Retry.Max = true, 300
	s.Producer.Partitioner = sarama.NewMurmur2Partitioner
	s.Consumer.Offsets.Initial = sarama.OffsetOldest
	s.Consumer.MaxWaitTime = 500 * time.Millisecond
	s.Metadata.AllowAutoTopicCreation = false
	s.ChannelBufferSize = 64
	s.Consumer.Fetch.Default = 256 << 10
	admin, err := sarama.NewClusterAdmin(c.Brokers, s)
	if err != nil {
		return nil, fmt.Errorf("connect to brokers %q: %w", c.Brokers, err)
	}
	defer func() { _ = admin.Close() }() // it has done its work
	if err := create(admin, h.name+".events", c.Partitions); err != nil {
		return nil, err
	}
	for there := false; !there; {
		topics, err := admin.ListTopics()
		if err != nil {
			return nil, fmt.Errorf("list topics: %w", err)
		}
		there = true
		for _, topic := range h.reads {
			_, is := topics[topic]
			there = there && is
		}
		if err := until(ctx, time.Now().Add(50*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	if h.producer, err = sarama.NewAsyncProducer(c.Brokers, s); err != nil {
		return nil, fmt.Errorf("open producer: %w", err)
	}
	return sarama.NewConsumerGroup(c.Brokers, h.name, s)
}

// create creates a topic as its owner would. It succeeds if the topic exists.
func create(admin sarama.ClusterAdmin, topic string, partitions int32) error {
	appended := "LogAppendTime"
	err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"message.timestamp.type": &appended}}, false)
	if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

func (h *hopper) Setup(sarama.ConsumerGroupSession) error {
	h.once.Do(func() { close(h.joined) })
	return nil
}

func (h *hopper) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim publishes the service's event for each event that has one.
func (h *hopper) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		if event := h.emits[typeOf(m.Headers)]; event != "" {
			h.publish(event, string(m.Key), nil)
		}
		s.MarkMessage(m, "")
	}
	return nil
}

// publish publishes an event of an order, with as many bytes as ours. When the broker has
// acknowledged it, acknowledged closes done, unless that is nil.
func (h *hopper) publish(event, id string, done chan struct{}) {
	value := make([]byte, sizes[event])
	_, _ = rand.Read(value) // never fails; zeros would be compressed to nothing
	value[0] = 1            // not the mark of a schema: no reader asks the registry
	m := &sarama.ProducerMessage{Topic: h.name + ".events", Key: sarama.StringEncoder(id), Value: sarama.ByteEncoder(value), Metadata: done}
	for name, text := range map[string]string{
		"ce_id": uuid.NewString(), "ce_source": "/quintet/" + h.name, "ce_specversion": "1.0", "ce_type": "quintet." + h.name + "." + event,
		"ce_time": time.Now().UTC().Format(time.RFC3339Nano), "ce_subject": id, "ce_dataschema": "urn:avro:sha256:58d716f01921fb89c8f2f58277c167ce9377b29f9c7e794e4c5756adeb4d6785",
		"content-type": "application/vnd.confluent.avro", "ce_sequence": "1", "ce_correlationid": uuid.NewString(),
		"ce_causationid": uuid.NewString(), "ce_tenant": "default",
	} {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(text)})
	}
	h.producer.Input() <- m
}

// acknowledged closes a record's channel when the broker has the record.
func (h *hopper) acknowledged() {
	go func() {
		for err := range h.producer.Errors() {
			slog.Warn("cannot publish", "error", err)
		}
	}()
	for m := range h.producer.Successes() {
		if done := m.Metadata.(chan struct{}); done != nil {
			close(done)
		}
	}
}

func (h *hopper) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-h.joined:
		default:
			http.Error(w, "it does not read yet", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		var placement map[string]any
		if err := json.NewDecoder(r.Body).Decode(&placement); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id, done := uuid.NewString(), make(chan struct{})
		h.publish("OrderPlaced", id, done)
		select {
		case <-done:
			w.WriteHeader(http.StatusAccepted)
			_ = json.NewEncoder(w).Encode(map[string]string{"orderId": id, "status": "placed"}) // the client may have gone
		case <-r.Context().Done():
		}
	})
	return mux
}
