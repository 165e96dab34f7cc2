package kafka_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

// fakes returns a cluster of several brokers in this process, and settings for it.
func fakes(t *testing.T, brokers int, opts ...kfake.Opt) (*kfake.Cluster, kafka.Settings) {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(brokers), kfake.SeedTopics(partitions, "caller.events"))...)
	must(t, err)
	t.Cleanup(c.Close)
	return c, kafka.Settings{Brokers: c.ListenAddrs(), Service: "echo", Partitions: partitions, Replication: 1}
}

func TestPartitionsFollowTheirLeader(t *testing.T) {
	t.Parallel()
	const brokers, moves = 3, 30
	cluster, s := fakes(t, brokers)
	r := recordTopic(t, s, "caller.events")
	c := foreign(t, s, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for n := range moves {
		for p := range int32(partitions) {
			put(t, c, &kgo.Record{Partition: p, Value: []byte(fmt.Sprint(n))})
		}
		must(t, cluster.MoveTopicPartition("caller.events", int32(n%partitions), int32(n/2%brokers)))
	}
	eventually(t, "all is read", func() bool { return len(r.got()) >= moves*partitions })
	for p := range int32(partitions) {
		if got := r.offsets(p); !slices.Equal(got, upTo(moves)) {
			t.Errorf("partition %d: offsets %v, not each of %d in order", p, got, moves)
		}
	}
}

// The client only keeps the membership. It may fetch once, before its partitions are
// paused.
func TestTheClientDoesNotRead(t *testing.T) {
	t.Parallel()
	cluster, s := fakes(t, 1)
	var ours, others atomic.Int64
	cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if req.GetVersion() == kafka.FetchVersion {
			ours.Add(1)
		} else {
			others.Add(1)
		}
		return nil, nil, false
	})
	r := recordTopic(t, s, "caller.events")
	inStep(t, s, r, 0, 1, 2, 3)
	if ours.Load() < 20 || others.Load() > 1 {
		t.Errorf("%d fetches, and %d of the client", ours.Load(), others.Load())
	}
}

func TestABrokerThatGoesIsDoneWithout(t *testing.T) {
	t.Parallel()
	const brokers = 3
	cluster, s := fakes(t, brokers)
	r := recordTopic(t, s, "caller.events")
	eventually(t, "the recorder reads", func() bool { return len(r.consumer.Missing()) == 0 })
	// Neither the coordinator of the group, which the session would end with, ...
	gone := (cluster.CoordinatorFor(s.Service) + 1) % brokers
	for p := range int32(partitions) {
		must(t, cluster.MoveTopicPartition("caller.events", p, (gone+p%2)%brokers)) // ... nor the leader of all
	}
	must(t, cluster.RemoveNode(gone))
	c := foreign(t, s, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for p := range int32(partitions) {
		put(t, c, &kgo.Record{Partition: p, Value: []byte("after it")})
	}
	eventually(t, "all is read", func() bool { return len(r.got()) == partitions })
	eventually(t, "it is ready", func() bool { return len(r.consumer.Missing()) == 0 })
}

// An answer holds a first batch whole, however large. One beyond what is taken at
// once stops its partition, and not those that are asked for with it.
func TestABatchBeyondTheAnswerStopsNobody(t *testing.T) {
	t.Parallel()
	const max = "67108864"
	_, s := fakes(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": max, "socket.request.max.bytes": max}))
	r := recordTopic(t, s, "caller.events")
	foreignAt(t, s, 1, kgo.NoCompression(), kgo.BrokerMaxWriteBytes(64<<20))(zeros(1, 40<<20)...)
	eventually(t, "it is told", func() bool {
		told := r.missing()
		if stand := strings.Count(told, " stands at "); stand > strings.Count(told, "events/1 stands at 0: offsets 0 to 0 cannot be read: answer is beyond the limit") {
			t.Fatalf("others stand still: %s", told)
		}
		return strings.Contains(told, " stands at ")
	})
	inStep(t, s, r, 0, 2, 3)
	if got := r.offsets(1); len(got) > 0 {
		t.Errorf("offsets %v of the partition that waits", got)
	}
}

func TestTinyRecordsLetTheOthersHaveTheirTurn(t *testing.T) {
	t.Parallel()
	_, s := fakes(t, 1)
	const many = 8000
	foreignAt(t, s, 1, kgo.ZstdCompression())(tiny(many)...)
	for _, p := range []int32{0, 2, 3} {
		foreignAt(t, s, p, kgo.NoCompression())(&kgo.Record{Value: []byte("beside it")})
	}
	r := recordTopic(t, s, "caller.events")
	eventually(t, "all is read", func() bool { return len(r.got()) == many+4 })
	for i, record := range r.got() {
		if record.Partition != 1 && i > many/2 {
			t.Errorf("partition %d had its turn after %d records of another", record.Partition, i)
		}
	}
}

// An answer has room for some of the partitions only, in the order of the request.
func TestEachPartitionIsFirstInTurn(t *testing.T) {
	t.Parallel()
	const many, each = 24, 12
	_, s := fakes(t, 1, kfake.SeedTopics(many, "wide.events"))
	c := foreign(t, s, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for p := range int32(many) {
		for range each {
			put(t, c, &kgo.Record{Topic: "wide.events", Partition: p, Value: make([]byte, 100<<10)})
		}
	}
	r := recordTopic(t, s, "wide.events")
	eventually(t, "all is read", func() bool { return len(r.got()) == many*each })
	began := map[int32]int{}
	for i, record := range r.got() {
		if _, known := began[record.Partition]; !known {
			began[record.Partition] = i
		}
	}
	for p, i := range began {
		if i > many*each/2 {
			t.Errorf("partition %d had its turn after %d records of others", p, i)
		}
	}
}
