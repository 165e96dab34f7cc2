package kafka_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
)

func TestKeysValuesAndHeadersArriveByteForByte(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	r := recordTopic(t, s, "caller.events")
	var every strings.Builder // each byte that there is
	for b := range 256 {
		every.WriteByte(byte(b))
	}
	sent := []*record.Record{
		{Key: "hall", Value: []byte("plain"), Headers: []record.Header{{Name: "ce_id", Value: "1"}}},
		{Key: every.String(), Value: []byte(every.String()), Headers: []record.Header{{Name: "bytes", Value: every.String()}}},
		{Key: "\xff\xfe not UTF-8", Value: []byte{0}, Headers: []record.Header{}},
		{Key: "héllo wörld ☃", Value: []byte("☃"), Headers: []record.Header{{Name: "ünïcode", Value: "☃"}}},
		{Key: "headers", Value: []byte("x"), Headers: []record.Header{{Name: "twice", Value: "1"}, {Name: "empty", Value: ""}, {Name: "twice", Value: "2"}}},
		{Key: "long", Value: []byte(strings.Repeat("v", 900_000)), Headers: []record.Header{{Name: "long", Value: strings.Repeat("h", 10_000)}}},
		{Key: "tombstone", Value: nil, Headers: []record.Header{}},
		{Key: "empty", Value: []byte{}, Headers: []record.Header{}},
	}
	log, err := kafka.Open(s)
	must(t, err)
	for i, record := range sent {
		record.Topic = "caller.events"
		log.Publish(t.Context(), strconv.Itoa(i), record)
	}
	for range sent {
		if p := <-log.Acks(); p.Err != nil {
			t.Fatal(p.Err)
		}
	}
	must(t, log.Close())
	eventually(t, "all are read", func() bool { return len(r.got()) >= len(sent) })
	got := map[string]*record.Record{}
	for _, record := range r.got() {
		got[record.Key] = record
	}
	for _, want := range sent {
		record := got[want.Key]
		if record == nil {
			t.Errorf("the record of key %q is not there", want.Key)
			continue
		}
		want.Partition, want.Offset = record.Partition, record.Offset
		if diff := cmp.Diff(want, record, asBytes); diff != "" {
			t.Errorf("key %q (-want +got):\n%s", want.Key, diff)
		}
	}
}

// asBytes tells no value from an empty one, and compares long ones quickly.
var asBytes = cmp.Comparer(func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) })

func TestARecordThatIsTooLargeFailsAlone(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	log, err := kafka.Open(s)
	must(t, err)
	large := func(size int) []byte { return []byte(strings.Repeat("x", size)) }
	sizes := map[string]int{"first": 10, "half": 600_000, "other half": 600_000, "too large": 2 << 20, "far too large": 20 << 20, "last": 10}
	for id, size := range sizes {
		log.Publish(t.Context(), id, &record.Record{Topic: "caller.events", Key: "hall", Value: large(size)})
	}
	for range sizes {
		p := <-log.Acks()
		if failed := p.Err != nil; failed != (sizes[p.ID] > 1<<20) {
			t.Errorf("%s, %d bytes: %v", p.ID, sizes[p.ID], p.Err)
		}
	}
	must(t, log.Close())
	if got := len(read(t, s, "caller.events", 4)); got != 4 {
		t.Errorf("the topic holds %d records, want 4", got)
	}
}
