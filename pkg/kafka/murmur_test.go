package kafka_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
)

// The numbers are those of Kafka's own UtilsTest.testMurmur2.
func TestAKeyGoesWhereTheJVMClientsPutIt(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	s.Partitions = 50
	createTopics(t, s, "keys")
	hashes := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	}
	log, err := kafka.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	for key := range hashes {
		log.Publish(t.Context(), key, &record.Record{Topic: "keys", Key: key, Value: []byte(key)})
	}
	for range hashes {
		if p := <-log.Acks(); p.Err != nil {
			t.Fatal(p.Err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, m := range read(t, s, "keys", len(hashes)) {
		if want := (hashes[string(m.Key)] & 0x7fffffff) % 50; m.Partition != want {
			t.Errorf("%s is in partition %d, want %d", m.Key, m.Partition, want)
		}
	}
}

func partitionOf(t *testing.T, key string) int32 {
	t.Helper()
	p, err := sarama.NewMurmur2Partitioner("").Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, partitions)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// read returns the first n records of a topic, or more when a partition holds
// more, each partition's in its order.
func read(t *testing.T, s kafka.Settings, topic string, n int) []*sarama.ConsumerMessage {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	client, err := sarama.NewClient(s.Brokers, config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ps, err := c.Partitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	var all []*sarama.ConsumerMessage
	for _, p := range ps {
		var end int64
		eventually(t, "the partition has a leader", func() bool { // a new one gets it a moment later
			end, err = client.GetOffset(topic, p, sarama.OffsetNewest)
			return err == nil
		})
		if end == 0 {
			continue
		}
		pc, err := c.ConsumePartition(topic, p, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		for m := range pc.Messages() {
			all = append(all, m)
			if m.Offset == end-1 {
				break
			}
		}
		pc.AsyncClose()
	}
	if len(all) < n {
		t.Fatalf("topic %s holds %d records, want %d", topic, len(all), n)
	}
	return all
}
