package registry

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// The budget of one datum. A decoder reserves memory from counts that the sender chose.
// A few bytes may declare 2^31 items, and items that take no bytes at all make such a
// count true. Go cannot recover from running out of memory, so the count is checked
// before anything is reserved.
const (
	MaxBytes = 256 << 10 // of a value, with its five bytes of header
	MaxNodes = 10_000    // values at any depth, a record and each of its fields counting one each
	MaxDepth = 32        // records, arrays, maps and unions inside one another
	// MaxBlocks is the maximum number of blocks of one array or map. A writer uses one,
	// or a few when it streams. The decoder behind copies the items so far for each
	// further block. So ten thousand blocks of one item cost the square.
	MaxBlocks = 64
)

var (
	errTruncated = fmt.Errorf("%w: the datum ends early", ErrMalformed)
	errNumber    = fmt.Errorf("%w: a number is longer than its type allows", ErrMalformed)
)

// skim walks one datum without keeping any of it. It fails unless the datum is whole,
// ends where data ends, and stays within the budget. It is stricter than the decoders
// behind it wherever they differ. So those decoders read a datum that passes as the
// same values.
func (s *shape) skim(data []byte) error {
	nodes := MaxNodes
	rest, err := s.walk(data, &nodes, MaxDepth)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes follow the datum", ErrMalformed, len(rest))
	}
	return nil
}

func (s *shape) walk(data []byte, nodes *int, depth int) ([]byte, error) {
	if *nodes--; *nodes < 0 {
		return nil, fmt.Errorf("%w: more than %d values", ErrBudget, MaxNodes)
	}
	switch s.kind {
	case "null":
		return data, nil
	case "boolean":
		if len(data) > 0 && data[0] > 1 {
			return nil, fmt.Errorf("%w: a boolean is neither 0 nor 1", ErrMalformed)
		}
		return skip(data, 1)
	case "int":
		_, data, err := varint(data, binary.MaxVarintLen32)
		return data, err
	case "long":
		_, data, err := varint(data, binary.MaxVarintLen64)
		return data, err
	case "float":
		return skip(data, 4)
	case "double":
		return skip(data, 8)
	case "fixed":
		return skip(data, s.size)
	case "bytes":
		_, data, err := lengthPrefixed(data)
		return data, err
	case "string":
		return text(data)
	case "enum":
		_, data, err := index(data, s.size, "enum symbol")
		return data, err
	}
	if depth == 0 {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrBudget, MaxDepth)
	}
	switch s.kind {
	case "record":
		return s.walkRecord(data, nodes, depth-1)
	case "union":
		branch, data, err := index(data, len(s.children), "union branch")
		if err != nil {
			return nil, err
		}
		return s.children[branch].walk(data, nodes, depth-1)
	case "array", "map":
		return s.walkBlocks(data, nodes, depth-1)
	}
	return nil, fmt.Errorf("%w: no type is named %s", ErrIncompatible, s.kind)
}

func (s *shape) walkRecord(data []byte, nodes *int, depth int) ([]byte, error) {
	for _, field := range s.children {
		var err error
		if data, err = field.walk(data, nodes, depth); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// walkBlocks walks an array or a map: blocks of counted items up to a count of zero. A
// negative count is followed by the block's size in bytes, which lets a reader skip the
// block unread. With a wrong size, a reader that skips and a reader that decodes would
// continue at different places. So the size must be exact.
func (s *shape) walkBlocks(data []byte, nodes *int, depth int) ([]byte, error) {
	for blocks := 0; ; blocks++ {
		count, rest, err := varint(data, binary.MaxVarintLen64)
		if err != nil || count == 0 {
			return rest, err
		}
		if blocks == MaxBlocks {
			return nil, fmt.Errorf("%w: more than %d blocks", ErrBudget, MaxBlocks)
		}
		size := int64(-1)
		if count < 0 {
			if size, rest, err = varint(rest, binary.MaxVarintLen64); err != nil {
				return nil, err
			}
			if count = -count; count < 0 || size < 0 {
				return nil, fmt.Errorf("%w: a block has no possible size", ErrMalformed)
			}
		}
		start := len(rest)
		for ; count > 0; count-- { // each round costs a node, so the budget ends it
			if s.kind == "map" {
				if rest, err = text(rest); err != nil {
					return nil, err
				}
			}
			if rest, err = s.children[0].walk(rest, nodes, depth); err != nil {
				return nil, err
			}
		}
		if size >= 0 && size != int64(start-len(rest)) {
			return nil, fmt.Errorf("%w: a block is not of the size it states", ErrMalformed)
		}
		data = rest
	}
}

func skip(data []byte, n int) ([]byte, error) {
	if n < 0 || n > len(data) {
		return nil, errTruncated
	}
	return data[n:], nil
}

// varint reads a zigzag number of at most maxLen bytes. An int has five, and must also
// fit its 32 bits; a long has ten.
func varint(data []byte, maxLen int) (int64, []byte, error) {
	u, n := binary.Uvarint(data)
	if n == 0 {
		return 0, nil, errTruncated
	}
	if n < 0 || n > maxLen || maxLen == binary.MaxVarintLen32 && u > 1<<32-1 {
		return 0, nil, errNumber
	}
	return int64(u>>1) ^ -int64(u&1), data[n:], nil
}

func index(data []byte, n int, what string) (int64, []byte, error) {
	i, data, err := varint(data, binary.MaxVarintLen32)
	if err == nil && (i < 0 || i >= int64(n)) {
		err = fmt.Errorf("%w: %s %d of %d", ErrMalformed, what, i, n)
	}
	return i, data, err
}

func lengthPrefixed(data []byte) (value, rest []byte, err error) {
	n, data, err := varint(data, binary.MaxVarintLen64)
	if err != nil {
		return nil, nil, err
	}
	if n < 0 || n > int64(len(data)) {
		return nil, nil, errTruncated
	}
	return data[:n], data[n:], nil
}

func text(data []byte) ([]byte, error) {
	s, data, err := lengthPrefixed(data)
	if err == nil && !utf8.Valid(s) {
		err = fmt.Errorf("%w: a string is not UTF-8", ErrMalformed)
	}
	return data, err
}
