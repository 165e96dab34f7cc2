package broker_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/IBM/sarama"
	"github.com/linkedin/goavro/v2"
	"github.com/riferrei/srclient"

	"github.com/quintet-eda/quintet/deploy/local"
	"github.com/quintet-eda/quintet/deploy/local/broker"
	"github.com/quintet-eda/quintet/deploy/local/registry"
	"github.com/quintet-eda/quintet/schemas/compat"
)

const orderCompleted = `{"type":"record","name":"OrderCompleted","namespace":"quintet.order","fields":[{"name":"orderId","type":"string"}]}`

// A consumer that knows nothing of Quintet needs a Kafka client, the registry and an
// Avro codec: a record's value is a zero byte, the schema's id and the Avro data.
func Example_foreignConsumer() {
	brokers, schemas, end := running()
	defer end()

	consumer, err := sarama.NewConsumer(brokers, sarama.NewConfig())
	check(err)
	topic, err := consumer.ConsumePartition("order.events", 0, sarama.OffsetOldest)
	check(err)
	for m := range topic.Messages() {
		schema, err := schemas.GetSchema(int(binary.BigEndian.Uint32(m.Value[1:5])))
		check(err)
		codec, err := goavro.NewCodec(schema.Schema())
		check(err)
		event, _, err := codec.NativeFromBinary(m.Value[5:])
		check(err)
		fmt.Println(string(m.Key), event)
		break
	}
	check(topic.Close())
	check(consumer.Close())
	// Output: o-1 map[orderId:o-1]
}

// running is a broker and a registry, and an event on the topic of the order service.
func running() (brokers []string, schemas *srclient.SchemaRegistryClient, end func()) {
	base, release, err := local.ReservePortBase()
	check(err)
	dir, err := os.MkdirTemp("", "quintet-example-")
	check(err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	go func() {
		ended <- broker.Run(ctx, broker.Config{PortBase: base, DataDir: filepath.Join(dir, "broker")}, log)
	}()
	store, err := registry.Open(filepath.Join(dir, "registry.json"), compat.FullTransitive)
	check(err)
	server := httptest.NewServer(registry.Handler(store, log))
	brokers = []string{fmt.Sprintf("127.0.0.1:%d", broker.Port(base))}
	schemas = srclient.NewSchemaRegistryClient(server.URL)
	publish(brokers, schemas)
	return brokers, schemas, func() {
		server.Close()
		stop()
		check(<-ended)
		release()
		check(os.RemoveAll(dir))
	}
}

func publish(brokers []string, schemas *srclient.SchemaRegistryClient) {
	schema, err := schemas.CreateSchema("order.events-quintet.order.OrderCompleted", orderCompleted, srclient.Avro)
	check(err)
	value, err := schema.Codec().BinaryFromNative(binary.BigEndian.AppendUint32([]byte{0}, uint32(schema.ID())), map[string]any{"orderId": "o-1"})
	check(err)
	c := sarama.NewConfig()
	c.Producer.Return.Successes = true
	c.Metadata.Retry.Max, c.Metadata.Retry.Backoff = 100, 50*time.Millisecond // until it listens
	admin, err := sarama.NewClusterAdmin(brokers, c)
	check(err)
	check(admin.CreateTopic("order.events", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false))
	check(admin.Close())
	producer, err := sarama.NewSyncProducer(brokers, c)
	check(err)
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: "order.events", Key: sarama.StringEncoder("o-1"), Value: sarama.ByteEncoder(value)})
	check(err)
	check(producer.Close())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
