package kafka

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// frameLimit is the maximum size in bytes of one unpacked frame of a compressed batch,
// in memory. Snappy packs at most some twenty to one, so it unpacks a batch of the
// usual 1 MiB to less.
const frameLimit = 32 << 20

// unpack returns a reader of the data that a codec of the protocol packed. The reader
// holds a frame or a window in memory, never the whole: 1 MiB may unpack to 1 GiB.
func unpack(codec int16, packed []byte) (io.ReadCloser, error) {
	switch codec {
	case 0:
		return plain{bytes.NewReader(packed)}, nil
	case 1:
		return gzip.NewReader(bytes.NewReader(packed))
	case 2:
		return io.NopCloser(newSnappy(packed)), nil
	case 3:
		return io.NopCloser(lz4.NewReader(bytes.NewReader(packed))), nil
	case 4:
		r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(frameLimit))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("codec %d is not known", codec)
}

// plain is a batch that no codec packed.
type plain struct{ *bytes.Reader }

func (plain) Close() error { return nil }

// snappy reads the blocks of Java's framing one after the other. Other clients
// write one block without a frame.
type snappy struct {
	packed []byte
	framed bool
	block  []byte // the unread rest of the current one
}

// framing begins the output of Java's writer: its name, and two versions follow.
var framing = []byte("\x82SNAPPY\x00")

func newSnappy(packed []byte) *snappy {
	const versions = 8
	if bytes.HasPrefix(packed, framing) && len(packed) >= len(framing)+versions {
		return &snappy{packed: packed[len(framing)+versions:], framed: true}
	}
	return &snappy{packed: packed}
}

func (s *snappy) Read(p []byte) (int, error) {
	for len(s.block) == 0 {
		if len(s.packed) == 0 {
			return 0, io.EOF
		}
		if err := s.nextBlock(); err != nil {
			return 0, fmt.Errorf("snappy: %w", err)
		}
	}
	n := copy(p, s.block)
	s.block = s.block[n:]
	return n, nil
}

func (s *snappy) nextBlock() error {
	packed := s.packed
	if s.framed {
		if len(packed) < 4 {
			return io.ErrUnexpectedEOF
		}
		size := binary.BigEndian.Uint32(packed)
		if packed = packed[4:]; uint64(size) > uint64(len(packed)) {
			return io.ErrUnexpectedEOF
		}
		packed = packed[:size]
		s.packed = s.packed[4+size:]
	} else {
		s.packed = nil
	}
	size, err := s2.DecodedLen(packed)
	if err != nil {
		return err
	}
	if size > frameLimit {
		return fmt.Errorf("a block unpacks to %d bytes, more than %d", size, frameLimit)
	}
	if s.block, err = s2.Decode(nil, packed); err != nil {
		return err
	}
	return nil
}
