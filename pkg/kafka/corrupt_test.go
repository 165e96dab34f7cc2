//go:build !containers

package kafka_test

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

// corrupt writes a batch whose records are not records. The embedded broker
// looks at a batch's head; Kafka itself refuses one that it cannot read.
func corrupt(t *testing.T, c *kgo.Client, partition int32) {
	t.Helper()
	records := []byte("these are no records at all")
	b := kmsg.RecordBatch{Length: int32(49 + len(records)), Magic: 2, LastOffsetDelta: 9, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 10, Records: records}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, raw
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.Partitions = "caller.events", []kmsg.ProduceRequestTopicPartition{p}
	req.Topics = []kmsg.ProduceRequestTopic{topic}
	answer, err := c.Broker(0).Request(t.Context(), req)
	must(t, err)
	if code := answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatalf("the broker answers %d", code)
	}
}

func TestABatchThatCannotBeReadIsToldAndWaits(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	at := foreignAt(t, s, 1, kgo.NoCompression())
	at(&kgo.Record{Value: []byte("before")})
	corrupt(t, foreign(t, s, kgo.MaxVersions(kversion.V3_0_0())), 1)
	at(&kgo.Record{Value: []byte("after")})
	eventually(t, "it is told", func() bool {
		return strings.Contains(r.missing(), "partition: caller.events/1 stands at 1: offsets 1 to 10 cannot be read: ") &&
			strings.Contains(r.missing(), "; nothing is stepped over")
	})
	for n := range 3 { // the others go on, and go on
		for p := range int32(partitions) {
			if p != 1 {
				foreignAt(t, s, p, kgo.NoCompression())(&kgo.Record{Value: []byte("beside it")})
				eventually(t, "the others are read", func() bool { return len(r.offsets(p)) == n+1 })
			}
		}
	}
	if got := r.offsets(1); !slices.Equal(got, upTo(1)) {
		t.Errorf("offsets %v of the partition that waits, want what was before the batch", got)
	}
	if lag, err := r.consumer.Lag(t.Context()); err != nil || lag != 11 {
		t.Errorf("lag is %d (%v), want 11", lag, err)
	}
	deleteRecords(t, s, 1, 11) // somebody decides that the batch is to be given up
	eventually(t, "what is missing is told", func() bool {
		return strings.Contains(r.missing(), "caller.events/1 is at 1 and the log holds 11 to 12")
	})
}

// A foreign topic may be one of which only the latest of each key is kept.
func TestWhatCompactionTookIsPassedOver(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	alter := func(kind sarama.ConfigResourceType, name, config, value string) {
		t.Helper()
		must(t, operator(t, s).IncrementalAlterConfig(kind, name, map[string]sarama.IncrementalAlterConfigsEntry{config: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}, false))
	}
	alter(sarama.BrokerResource, "0", "log.cleaner.backoff.ms", "50")
	createTopics(t, s, "caller.events")
	alter(sarama.TopicResource, "caller.events", "cleanup.policy", "compact")
	at := foreignAt(t, s, 1, kgo.NoCompression())
	at(&kgo.Record{Key: []byte("first hall"), Value: []byte("said")})
	for range 5 {
		at(&kgo.Record{Key: []byte("hall"), Value: []byte("said")}, &kgo.Record{Key: []byte("other hall"), Value: []byte("said")})
	}
	cluster := connect(t, s)
	eventually(t, "the log is compacted", func() bool {
		held, err := kafka.Held(t.Context(), cluster, "caller.events", 1)
		return err == nil && len(held) == 5 // the last batch, which is not touched, and of each key the latest before it
	})
	r := recordTopic(t, s, "caller.events")
	r.noLag(t)
	if got := r.offsets(1); !slices.Equal(got, []int64{0, 7, 8, 9, 10}) {
		t.Errorf("offsets %v, want those that are left", got)
	}
	eventually(t, "it is ready", func() bool { return len(r.consumer.Missing()) == 0 })
}
