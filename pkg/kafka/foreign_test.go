package kafka_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

// foreign returns a producer that is not ours: another client, which speaks the
// newest version of everything that the broker does.
func foreign(t *testing.T, s kafka.Settings, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(s.Brokers...), kgo.DefaultProduceTopic("caller.events"))...)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func put(t *testing.T, c *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	must(t, c.ProduceSync(t.Context(), records...).FirstErr())
}

func TestAbortedTransactionIsNotDelivered(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	c := foreign(t, s, kgo.TransactionalID("foreign"))
	say := func(end kgo.TransactionEndTry, texts ...string) {
		must(t, c.BeginTransaction())
		for _, text := range texts {
			put(t, c, &kgo.Record{Key: []byte("hall"), Value: []byte(text)})
		}
		must(t, c.EndTransaction(t.Context(), end))
	}
	say(kgo.TryCommit, "one", "two")
	say(kgo.TryAbort, "never", "neither")
	say(kgo.TryCommit, "three")
	put(t, foreign(t, s), &kgo.Record{Key: []byte("hall"), Value: []byte("four")})
	want := "one two three four"
	eventually(t, "what was committed is delivered", func() bool { return len(r.got()) >= 4 })
	var got []string
	for _, record := range r.got() {
		got = append(got, string(record.Value))
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestUncommittedTransactionIsNotDelivered(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	c := foreign(t, s, kgo.TransactionalID("foreign"))
	must(t, c.BeginTransaction())
	put(t, c, &kgo.Record{Key: []byte("hall"), Value: []byte("open")})
	put(t, foreign(t, s), &kgo.Record{Key: []byte("hall"), Value: []byte("behind it")})
	other := names(50)[elsewhere(t, "hall")]
	put(t, foreign(t, s), &kgo.Record{Key: []byte(other), Value: []byte("beside it")})
	eventually(t, "another partition is read", func() bool { return len(r.got()) > 0 })
	if got := r.got(); len(got) != 1 || string(got[0].Value) != "beside it" {
		t.Errorf("got %d records, the first %q", len(got), got[0].Value)
	}
	must(t, c.EndTransaction(t.Context(), kgo.TryCommit))
	eventually(t, "the rest is read", func() bool { return len(r.got()) == 3 })
	r.noLag(t) // the mark that ends a transaction takes an offset, and no reader is handed it
}

// elsewhere returns the number of a hall in another partition than key's.
func elsewhere(t *testing.T, key string) int {
	t.Helper()
	for i, hall := range names(50) {
		if partitionOf(t, hall) != partitionOf(t, key) {
			return i
		}
	}
	t.Fatal("one partition has them all")
	return 0
}

func TestWhatForeignProducersCompressIsRead(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	codecs := map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(), "none": kgo.NoCompression(),
	}
	const each = 300
	want := map[string]string{}
	for name, codec := range codecs {
		c := foreign(t, s, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond))
		var records []*kgo.Record
		for i := range each {
			key := fmt.Sprintf("%s-%d", name, i)
			want[key] = strings.Repeat(key, 1+rand.IntN(200))
			records = append(records, &kgo.Record{Key: []byte(key), Value: []byte(want[key])})
		}
		put(t, c, records...)
	}
	eventually(t, "all are read", func() bool { return len(r.got()) >= len(want) })
	for _, record := range r.got() {
		if want[record.Key] != string(record.Value) {
			t.Errorf("%s: got %d bytes, want %d", record.Key, len(record.Value), len(want[record.Key]))
		}
		delete(want, record.Key)
	}
	if len(want) > 0 {
		t.Errorf("%d records are not read", len(want))
	}
}

// A tombstone is a record with a key and a null value.
func TestATombstoneParksItsOwnOrderAndNothingElse(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	start(t, s, "a", db, options{})
	c := foreign(t, s)
	put(t, c, &kgo.Record{Key: []byte("buried")}, &kgo.Record{Key: []byte("hollow"), Value: []byte{}}, &kgo.Record{}, &kgo.Record{Value: []byte("no key")})
	halls := names(20) // of every partition
	newCaller(t, s).say(append(halls, "buried", "hollow")...)
	for _, hall := range halls {
		eventually(t, hall+" is heard", func() bool { return heard(t, db, hall) == "0" })
	}
	for _, hall := range []string{"buried", "hollow"} {
		eventually(t, hall+" waits behind what cannot be read", func() bool {
			return one(t, db, `SELECT count(*) FROM parked WHERE key = ?`, hall) == "2"
		})
		if got := heard(t, db, hall); got != "" {
			t.Errorf("%s heard %q", hall, got)
		}
	}
}

func TestARecordBearsTheTimeOfItsAppending(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	before := time.Now().Add(-time.Second)
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	put(t, foreign(t, s), &kgo.Record{Key: []byte("hall"), Timestamp: long}, &kgo.Record{Key: []byte("hall"), Timestamp: long.Add(time.Hour)})
	for _, m := range read(t, s, "caller.events", 2) {
		stamped := m.Timestamp.After(before) && m.Timestamp.Before(time.Now().Add(time.Second))
		if stamped != stampsRecords {
			t.Errorf("record at %d bears %v", m.Offset, m.Timestamp)
		}
	}
}
