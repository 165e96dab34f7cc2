package kafka

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// answer takes a broker's answer apart. After an error it returns only zeros.
type answer struct {
	raw []byte
	err error
}

func (a *answer) take(n int) []byte {
	if n < 0 || n > len(a.raw) {
		a.raw, a.err = nil, errors.New("answer is cut off")
		return nil
	}
	taken := a.raw[:n:n]
	a.raw = a.raw[n:]
	return taken
}

func (a *answer) int16() int16 {
	if b := a.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (a *answer) int32() int32 {
	if b := a.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (a *answer) int64() int64 {
	if b := a.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (a *answer) text() string { return string(a.take(int(a.int16()))) }

// bytes returns nil for what is absent.
func (a *answer) bytes() []byte {
	if n := a.int32(); n > 0 {
		return a.take(int(n))
	}
	return nil
}

// abortedFrom names a transaction that was aborted: whose, and where it begins.
type abortedFrom struct{ producer, first int64 }

// aborted tells which batches of a page were aborted. A producer has one
// transaction at a time, which a control record ends:
//
//	first offset of 7's ─ batches of 7 ─ 7 is aborted ─ batches of 7's next
type aborted struct {
	ahead []abortedFrom      // begin further on, in the order of their offsets
	open  map[int64]struct{} // producers in such a transaction
}

func (a *answer) aborted() *aborted {
	t := &aborted{open: map[int64]struct{}{}}
	for n := a.int32(); n > 0 && a.err == nil; n-- {
		t.ahead = append(t.ahead, abortedFrom{a.int64(), a.int64()})
	}
	slices.SortFunc(t.ahead, func(a, b abortedFrom) int { return cmp.Compare(a.first, b.first) })
	return t
}

// drops reports whether nothing of a batch is to be handed over. It is asked
// about each batch of the page, in order.
func (t *aborted) drops(b *batch) (bool, error) {
	for len(t.ahead) > 0 && t.ahead[0].first <= b.last {
		t.open[t.ahead[0].producer] = struct{}{}
		t.ahead = t.ahead[1:]
	}
	if !b.control() {
		_, is := t.open[b.producer]
		return is && b.transactional(), nil
	}
	for r, err := range b.records() {
		if err != nil {
			return false, err
		}
		// A control record's key is two numbers of two bytes, its version and what it says.
		const abort = "\x00\x00"
		if len(r.Key) < 4 {
			return false, fmt.Errorf("control record of %d bytes", len(r.Key))
		}
		if r.Key[2:4] == abort {
			delete(t.open, b.producer)
		}
	}
	return true, nil
}
