package kafka

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"github.com/quintet-eda/quintet/pkg/record"
)

// recordLimit is the maximum size of one record in bytes, its headers included.
const recordLimit = 16 << 20

// batch is a record batch as it lies in the log, in the only format since Kafka 0.11.
type batch struct {
	base, last int64 // offsets; those in between may be gone
	attributes int16
	producer   int64 // of a transaction
	count      int32
	packed     []byte
}

// Positions in a batch's head.
const (
	atLength     = 8
	atMagic      = 16
	atSum        = 17
	atAttributes = 21 // the sum is of everything from here
	atLastDelta  = 23
	atProducer   = 43
	atCount      = 57
	headSize     = 61
)

// errCut is returned when bytes end within a batch, as they do in a full answer.
var errCut = errors.New("batch is cut off")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// readBatch reads the head of the first batch of raw, and returns the bytes behind the
// batch. It sets the batch's offsets as far as it has read them, also with an error.
func readBatch(raw []byte) (b batch, rest []byte, err error) {
	if len(raw) < atLength+4 {
		return b, nil, errCut
	}
	b.base = int64(binary.BigEndian.Uint64(raw))
	b.last = b.base
	size := int64(int32(binary.BigEndian.Uint32(raw[atLength:]))) + atLength + 4
	if size < headSize {
		return b, nil, fmt.Errorf("batch of %d bytes is shorter than its head", size)
	}
	if size > int64(len(raw)) {
		return b, nil, errCut
	}
	raw, rest = raw[:size], raw[size:]
	if magic := raw[atMagic]; magic != 2 {
		return b, rest, fmt.Errorf("batch is of format %d, which is not known", magic)
	}
	if sum := crc32.Checksum(raw[atAttributes:], castagnoli); sum != binary.BigEndian.Uint32(raw[atSum:]) {
		return b, rest, errors.New("batch does not match its checksum")
	}
	b.attributes = int16(binary.BigEndian.Uint16(raw[atAttributes:]))
	delta := int32(binary.BigEndian.Uint32(raw[atLastDelta:]))
	b.producer = int64(binary.BigEndian.Uint64(raw[atProducer:]))
	b.count = int32(binary.BigEndian.Uint32(raw[atCount:]))
	b.packed = raw[headSize:]
	if delta < 0 || b.count < 0 {
		return b, rest, fmt.Errorf("batch holds %d records and ends %d offsets behind its first", b.count, delta)
	}
	b.last += int64(delta)
	return b, rest, nil
}

func (b *batch) codec() int16        { return b.attributes & 0x07 }
func (b *batch) transactional() bool { return b.attributes&0x10 != 0 }
func (b *batch) control() bool       { return b.attributes&0x20 != 0 }

// records reads the records of a batch in order. It ends with the first record that
// cannot be read.
func (b *batch) records() iter.Seq2[*record.Record, error] {
	return func(yield func(*record.Record, error) bool) {
		unpacked, err := unpack(b.codec(), b.packed)
		if err != nil {
			yield(nil, err)
			return
		}
		defer unpacked.Close() // only reads
		from, plain := unpacked.(source)
		if !plain {
			from = bufio.NewReader(unpacked)
		}
		next := b.base
		for range b.count {
			r, err := readRecord(from, b.base)
			if err == nil && (r.Offset < next || r.Offset > b.last) {
				err = fmt.Errorf("record has offset %d, between %d and %d", r.Offset, next, b.last)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			next = r.Offset + 1
			if !yield(r, nil) {
				return
			}
		}
		if _, err := from.ReadByte(); !errors.Is(err, io.EOF) {
			yield(nil, fmt.Errorf("batch of %d records holds more: %w", b.count, err))
		}
	}
}

// source is the input of readRecord.
type source interface {
	io.Reader
	io.ByteReader
}

func readRecord(from source, base int64) (*record.Record, error) {
	size, err := binary.ReadVarint(from)
	if err != nil {
		return nil, fmt.Errorf("read length of record: %w", cut(err))
	}
	if size < 0 || size > recordLimit {
		return nil, fmt.Errorf("record of %d bytes is beyond the limit of %d", size, recordLimit)
	}
	d := decoder{raw: make([]byte, size)}
	if _, err := io.ReadFull(from, d.raw); err != nil {
		return nil, fmt.Errorf("read record of %d bytes: %w", size, cut(err))
	}
	return d.record(base)
}

// cut turns the end of the input within a record into io.ErrUnexpectedEOF.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// decoder decodes the fields of a record. After an error it returns zero values only.
type decoder struct {
	raw []byte
	err error
}

func (d *decoder) record(base int64) (*record.Record, error) {
	d.take(1)  // attributes: none are defined
	d.varint() // time: the event carries its own
	r := &record.Record{Offset: base + d.varint()}
	r.Key = string(d.bytes())
	if value := d.bytes(); value != nil {
		r.Value = value
	}
	const headerCost = 32 // of two strings: a header of two bytes takes sixteen times that in memory
	n := d.varint()
	if n < 0 || n > int64(len(d.raw)) || n*headerCost > recordLimit {
		return nil, fmt.Errorf("record has %d headers", n)
	}
	r.Headers = make([]record.Header, n)
	text := string(d.raw) // one copy for all of them
	next := func() string {
		size := len(d.bytes())
		end := len(text) - len(d.raw)
		return text[end-size : end]
	}
	for i := range r.Headers {
		r.Headers[i] = record.Header{Name: next(), Value: next()}
	}
	if d.err == nil && len(d.raw) > 0 {
		d.err = fmt.Errorf("record has %d bytes too many", len(d.raw))
	}
	return r, d.err
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.raw)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.raw = d.raw[n:]
	return v
}

// bytes returns nil for an absent value, and an empty slice for an empty one.
func (d *decoder) bytes() []byte {
	n := d.varint()
	if d.err != nil || n < 0 {
		return nil
	}
	return d.take(n)
}

func (d *decoder) take(n int64) []byte {
	if n > int64(len(d.raw)) {
		d.fail()
		return nil
	}
	taken := d.raw[:n:n]
	d.raw = d.raw[n:]
	return taken
}

func (d *decoder) fail() {
	d.raw = nil
	if d.err == nil {
		d.err = fmt.Errorf("decode record: %w", io.ErrUnexpectedEOF)
	}
}
