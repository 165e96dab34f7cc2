package kafka_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

// What a foreign producer may write, and a client may fail to read.

// foreignAt returns a foreign producer that puts everything into one partition,
// as few batches as it can.
func foreignAt(t *testing.T, s kafka.Settings, partition int32, codec kgo.CompressionCodec, opts ...kgo.Opt) func(records ...*kgo.Record) {
	t.Helper()
	c := foreign(t, s, append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec),
		kgo.ProducerLinger(300*time.Millisecond), kgo.MaxBufferedRecords(100_000), kgo.ProducerBatchMaxBytes(64<<20))...)
	return func(records ...*kgo.Record) {
		t.Helper()
		for _, r := range records {
			r.Partition = partition
		}
		put(t, c, records...)
	}
}

// tiny are n records of a batch that packs many of them into one byte, behind
// one that says something.
func tiny(n int) []*kgo.Record {
	records := []*kgo.Record{{Key: []byte("hall"), Value: []byte("good")}}
	for range n {
		records = append(records, &kgo.Record{Key: []byte("hall")})
	}
	return records
}

// offsets returns the offsets that were handed over from a partition.
func (r *recorder) offsets(partition int32) (offsets []int64) {
	for _, record := range r.got() {
		if record.Partition == partition {
			offsets = append(offsets, record.Offset)
		}
	}
	return offsets
}

// upTo are all offsets below an end.
func upTo(end int64) []int64 {
	offsets := make([]int64, end)
	for i := range offsets {
		offsets[i] = int64(i)
	}
	return offsets
}

func (r *recorder) noLag(t *testing.T) {
	t.Helper()
	eventually(t, "there is no lag", func() bool {
		lag, err := r.consumer.Lag(t.Context())
		return err == nil && lag == 0
	})
}

func (r *recorder) missing() string { return strings.Join(r.consumer.Missing(), "; ") }

func TestABatchOfTinyRecordsIsHandedOver(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	foreignAt(t, s, 1, kgo.ZstdCompression())(tiny(8000)...)
	r := recordTopic(t, s, "caller.events")
	eventually(t, "the whole batch is read", func() bool { return len(r.got()) >= 8001 })
	if got := string(r.got()[0].Value); got != "good" {
		t.Errorf("the first says %q", got)
	}
	foreignAt(t, s, 1, kgo.NoCompression())(&kgo.Record{Value: []byte("behind it")})
	eventually(t, "what is behind it is read", func() bool { return len(r.got()) >= 8002 })
	if got := r.offsets(1); !slices.Equal(got, upTo(8002)) {
		t.Errorf("%d offsets, not each of 8002 in order", len(got))
	}
	r.noLag(t)
}

// A client may step over such a batch, and go on with what comes behind it.
func TestTinyRecordsAmongOthersAreNotSkipped(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	eventually(t, "the recorder reads", func() bool { return len(r.consumer.Missing()) == 0 })
	plain, packed := foreignAt(t, s, 1, kgo.NoCompression()), foreignAt(t, s, 1, kgo.ZstdCompression())
	beside := foreignAt(t, s, 2, kgo.NoCompression())
	const rounds, each = 3, 3000
	for n := range rounds {
		plain(&kgo.Record{Value: []byte("before")})
		packed(tiny(each)...)
		plain(&kgo.Record{Value: []byte("after")})
		beside(&kgo.Record{Value: []byte(strconv.Itoa(n))})
	}
	want := int64(rounds * (each + 3))
	eventually(t, "all is read", func() bool { return int64(len(r.got())) >= want+rounds })
	if got := r.offsets(1); !slices.Equal(got, upTo(want)) {
		t.Errorf("%d offsets, not each of %d in order", len(got), want)
	}
	r.noLag(t)
	eventually(t, "it is ready", func() bool { return len(r.consumer.Missing()) == 0 })
}

func TestTinyRecordsThatWereAbortedStayAway(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	c := foreign(t, s, kgo.TransactionalID("tiny"), kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerLinger(300*time.Millisecond))
	var want []string
	for n, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		must(t, c.BeginTransaction())
		records := tiny(3000)
		records[0].Value = []byte(fmt.Sprint("transaction ", n))
		put(t, c, records...)
		must(t, c.EndTransaction(t.Context(), end))
		if end == kgo.TryCommit {
			want = append(want, string(records[0].Value))
		}
	}
	r.noLag(t)
	var got []string
	for _, record := range r.got() {
		if record.Value != nil {
			got = append(got, string(record.Value))
		}
	}
	if !slices.Equal(got, want) || len(r.got()) != 2*3001 {
		t.Errorf("got %v and %d records in all, want %v", got, len(r.got()), want)
	}
}

// zeros are records that pack a thousandfold.
func zeros(n, size int) []*kgo.Record {
	var records []*kgo.Record
	for range n {
		records = append(records, &kgo.Record{Key: []byte("hall"), Value: make([]byte, size)})
	}
	return records
}

func TestABatchThatUnpacksHugeStopsNobody(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string]kgo.CompressionCodec{"gzip": kgo.GzipCompression(), "zstd": kgo.ZstdCompression(), "lz4": kgo.Lz4Compression()} {
		t.Run(name, func(t *testing.T) {
			_, s := broker(t)
			createTopics(t, s, "caller.events")
			r := recordTopic(t, s, "caller.events")
			foreignAt(t, s, 1, codec)(zeros(20, 1<<20)...)
			for p := range int32(partitions) {
				foreignAt(t, s, p, kgo.NoCompression())(&kgo.Record{Value: []byte("behind it")})
			}
			eventually(t, "all is read", func() bool { return len(r.got()) >= 20+partitions })
			if got := r.offsets(1); !slices.Equal(got, upTo(21)) {
				t.Errorf("offsets %v, want each of 21 in order", got)
			}
			for _, record := range r.got() {
				if len(record.Value) > 9 && !bytes.Equal(record.Value, make([]byte, 1<<20)) {
					t.Errorf("offset %d is %d bytes that are not those written", record.Offset, len(record.Value))
				}
			}
			r.noLag(t)
			eventually(t, "it is ready", func() bool { return len(r.consumer.Missing()) == 0 })
		})
	}
}

// inStep checks that partitions are read as records come, and not by a look once
// in a while at a log that stands still.
func inStep(t *testing.T, s kafka.Settings, r *recorder, partitions ...int32) {
	t.Helper()
	c := foreign(t, s, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	round := func() {
		for _, p := range partitions {
			before := len(r.offsets(p))
			put(t, c, &kgo.Record{Partition: p})
			eventually(t, "it is read", func() bool { return len(r.offsets(p)) > before })
		}
	}
	began := time.Now()
	const rounds = 20
	for range rounds {
		round()
	}
	if took := time.Since(began); took > rounds*time.Second/4 { // half of what a fetch waits
		t.Errorf("%d records of each partition one after the other took %v", rounds, took)
	}
}

func TestOneBadBatchSlowsNobodyDown(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	foreignAt(t, s, 1, kgo.GzipCompression())(zeros(20, 1<<20)...)
	eventually(t, "the batch is read", func() bool { return len(r.offsets(1)) == 20 })
	inStep(t, s, r, 0, 1, 2, 3)
	other := &recorder{positions: map[string]int64{}}
	s.Instance = "other"
	stop := other.run(t, s, "caller.events")
	eventually(t, "another has joined", func() bool { return len(other.got()) > 0 && len(other.consumer.Missing()) == 0 })
	stop()
	eventually(t, "all is read again", func() bool {
		lag, err := r.consumer.Lag(t.Context())
		return err == nil && lag == 0 && len(r.consumer.Missing()) == 0
	})
	inStep(t, s, r, 0, 1, 2, 3)
}

func TestABadBatchOfALostPartitionStopsNobody(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	foreignAt(t, s, 1, kgo.GzipCompression())(zeros(20, 1<<20)...)
	r := &recorder{positions: map[string]int64{"caller.events/1": 1000}}
	s.Instance = "recorder"
	r.run(t, s, "caller.events")
	eventually(t, "the position is told", func() bool { return strings.Contains(r.missing(), "caller.events/1 is at 1000") })
	inStep(t, s, r, 0, 2, 3)
	if got := r.offsets(1); len(got) > 0 {
		t.Errorf("offsets %v of the partition that is not read", got)
	}
}

func TestARecordBeyondTheLimitIsToldAndWaits(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	packed := foreignAt(t, s, 1, kgo.GzipCompression())
	packed(&kgo.Record{Value: []byte("before")})
	packed(&kgo.Record{Value: []byte("same batch")}, &kgo.Record{Value: make([]byte, 17<<20)}, &kgo.Record{Value: []byte("behind it")})
	packed(&kgo.Record{Value: []byte("after")})
	eventually(t, "it is told", func() bool {
		return strings.Contains(r.missing(), "partition: caller.events/1 stands at 2: offsets 2 to 3 cannot be read: ")
	})
	for n := range 3 { // the others go on, and go on
		for p := range int32(partitions) {
			if p != 1 {
				foreignAt(t, s, p, kgo.NoCompression())(&kgo.Record{Value: []byte("beside it")})
				eventually(t, "the others are read", func() bool { return len(r.offsets(p)) == n+1 })
			}
		}
	}
	if got := r.offsets(1); !slices.Equal(got, upTo(2)) {
		t.Errorf("offsets %v of the partition that waits, want those before the record", got)
	}
	if lag, err := r.consumer.Lag(t.Context()); err != nil || lag != 3 {
		t.Errorf("lag is %d (%v), want 3", lag, err)
	}
	if !strings.Contains(r.missing(), "nothing is stepped over") {
		t.Errorf("missing: %s", r.missing())
	}
}
