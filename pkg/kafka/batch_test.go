package kafka

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// records are what a batch holds, as another library encodes it.
func encoded(records ...kmsg.Record) (raw []byte) {
	for i, r := range records {
		r.OffsetDelta = int32(i)
		r.Length = int32(len(r.AppendTo(nil)) - 1) // of the zero that stands for it
		raw = r.AppendTo(raw)
	}
	return raw
}

// sealed is a batch at an offset.
func sealed(base int64, codec int16, packed []byte, count int32) []byte {
	b := kmsg.RecordBatch{FirstOffset: base, Length: int32(headSize - 12 + len(packed)), Magic: 2, Attributes: codec, LastOffsetDelta: count - 1, ProducerID: -1, NumRecords: count, Records: packed}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[atSum:], crc32.Checksum(raw[atAttributes:], castagnoli))
	return raw
}

var packers = map[string]func([]byte) (int16, []byte){
	"none": func(b []byte) (int16, []byte) { return 0, b },
	"gzip": func(b []byte) (int16, []byte) {
		return 1, written(b, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	},
	"snappy":         func(b []byte) (int16, []byte) { return 2, s2.EncodeSnappy(nil, b) },
	"snappy, Java's": func(b []byte) (int16, []byte) { return 2, xerial.Encode(nil, b) },
	"lz4": func(b []byte) (int16, []byte) {
		return 3, written(b, func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) })
	},
	"zstd": func(b []byte) (int16, []byte) {
		return 4, written(b, func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z })
	},
}

func written(b []byte, with func(io.Writer) io.WriteCloser) []byte {
	var packed bytes.Buffer
	w := with(&packed)
	_, err := w.Write(b)
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return packed.Bytes()
}

func readAll(t testing.TB, raw []byte) (records []*record.Record, err error) {
	t.Helper()
	b, rest, err := readBatch(raw)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		t.Fatalf("%d bytes follow", len(rest))
	}
	for r, err := range b.records() {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

func TestABatchIsReadWhateverPackedIt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 40_000)
	sent := encoded(
		kmsg.Record{Key: []byte("hall"), Value: []byte("said"), Headers: []kmsg.Header{{Key: "ce_id", Value: []byte("1")}, {Key: "", Value: nil}}},
		kmsg.Record{Key: []byte("tombstone")},
		kmsg.Record{Value: []byte{}},
		kmsg.Record{Key: []byte("\xff\x00"), Value: []byte(long)},
	)
	want := []*record.Record{
		{Offset: 70, Key: "hall", Value: []byte("said"), Headers: []record.Header{{Name: "ce_id", Value: "1"}, {}}},
		{Offset: 71, Key: "tombstone", Headers: []record.Header{}},
		{Offset: 72, Value: []byte{}, Headers: []record.Header{}},
		{Offset: 73, Key: "\xff\x00", Value: []byte(long), Headers: []record.Header{}},
	}
	for name, pack := range packers {
		codec, packed := pack(sent)
		got, err := readAll(t, sealed(70, codec, packed, 4))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestABatchThatIsNotSoundIsAnError(t *testing.T) {
	t.Parallel()
	two := encoded(kmsg.Record{Value: []byte("one")}, kmsg.Record{Value: []byte("two")})
	sound := sealed(5, 0, two, 2)
	changed := func(at int, b byte) []byte {
		raw := bytes.Clone(sound)
		raw[at] ^= b
		return raw
	}
	_, bomb := packers["gzip"](encoded(kmsg.Record{Value: make([]byte, recordLimit)}))
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"a byte was flipped":        {changed(len(sound)-1, 1), "does not match its checksum"},
		"an older format":           {changed(atMagic, 3), "is of format 1"},
		"shorter than its head":     {append(binary.BigEndian.AppendUint32(make([]byte, 8), 3), make([]byte, 80)...), "shorter than its head"},
		"more records than it says": {sealed(5, 0, two, 1), "holds more"},
		"fewer":                     {sealed(5, 0, two, 3), io.ErrUnexpectedEOF.Error()},
		"no codec":                  {sealed(5, 5, two, 2), "codec 5"},
		"not packed":                {sealed(5, 1, two, 2), gzip.ErrHeader.Error()},
		"a record beyond the limit": {sealed(5, 1, bomb, 1), "beyond the limit of 16777216"},
		"a header count that lies":  {sealed(5, 0, []byte{14, 0, 0, 0, 1, 1, 0xfe, 0x7f}, 1), "8191 headers"},
		"a length that lies":        {sealed(5, 0, []byte{14, 0, 0, 0, 0x7e, 1, 0, 0}, 1), io.ErrUnexpectedEOF.Error()},
		"offsets that go back":      {sealed(5, 0, append(encoded(kmsg.Record{}), encoded(kmsg.Record{})...), 2), "has offset 5"},
	} {
		if _, err := readAll(t, c.raw); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	for n := range sound {
		if _, _, err := readBatch(sound[:n]); !errors.Is(err, errCut) {
			t.Fatalf("cut off after %d bytes: %v", n, err)
		}
	}
}

func TestACutOffBatchIsAskedForAgain(t *testing.T) {
	t.Parallel()
	sound := sealed(5, 0, encoded(kmsg.Record{Value: []byte("one")}), 1)
	cut := sealed(6, 0, encoded(kmsg.Record{Value: []byte("two")}), 1)
	for n := range cut {
		r := &reading{assignment: &engine.Assignment{}, next: 5}
		got := 0
		for _, err := range r.records(&kmsg.FetchResponseTopicPartition{RecordBatches: slices.Concat(sound, cut[:n])}) {
			if err != nil {
				t.Fatalf("cut off after %d bytes: %v", n, err)
			}
			got++
		}
		if got != 1 || r.next != 6 {
			t.Errorf("cut off after %d bytes: %d records, and the next is %d", n, got, r.next)
		}
		for _, err := range r.records(&kmsg.FetchResponseTopicPartition{RecordBatches: cut[:n]}) {
			if !errors.Is(err, errCut) {
				t.Errorf("cut off after %d bytes, and nothing before it: %v", n, err)
			}
		}
	}
}

func TestOnlyWhatWasAbortedIsDropped(t *testing.T) {
	t.Parallel()
	const transactional, control = 0x10, 0x30
	mark := func(kind byte) []byte { return encoded(kmsg.Record{Key: []byte{0, 0, 0, kind}}) }
	data := encoded(kmsg.Record{})
	var got []string
	aborted := newAborted([]kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 7, FirstOffset: 6}, {ProducerID: 7, FirstOffset: 0}})
	for _, c := range []struct {
		producer   int64
		attributes int16
		records    []byte
	}{
		{7, transactional, data}, {8, transactional, data}, {-1, 0, data}, {7, control, mark(0)},
		{7, transactional, data}, {7, control, mark(1)}, {7, transactional, data}, {8, control, mark(1)},
	} {
		b := batch{base: int64(len(got)), last: int64(len(got)), producer: c.producer, attributes: c.attributes, count: 1, packed: c.records}
		drop, err := aborted.drops(&b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(drop))
	}
	if diff := cmp.Diff(strings.Fields("true false false true false true true true"), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// No bytes make the decoder panic, or yield a record outside of its batch.
func FuzzBatch(f *testing.F) {
	for _, pack := range packers {
		codec, packed := pack(encoded(kmsg.Record{Key: []byte("hall"), Headers: []kmsg.Header{{Key: "ce_id"}}}, kmsg.Record{Value: []byte("said")}))
		f.Add(codec, packed, int32(2))
	}
	f.Fuzz(func(t *testing.T, attributes int16, packed []byte, count int32) {
		b, _, err := readBatch(sealed(5, attributes, packed, count))
		if err != nil {
			return
		}
		for r, err := range b.records() {
			if err == nil && (r.Offset < b.base || r.Offset > b.last) {
				t.Errorf("offset %d in a batch from %d to %d", r.Offset, b.base, b.last)
			}
		}
		_, _ = newAborted(nil).drops(&b) // an error is an answer
	})
}
