package registry

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
)

// Writer is a value together with the schema it was written with. The value's
// bytes have passed the decode budget.
type Writer struct {
	reading *reading
	datum   []byte
}

// Writer finds the schema that value was written with. dataschema is the
// record's ce_dataschema header, empty when it has none; one that is not a
// fingerprint of this package's form says nothing about Avro and is ignored.
//
// It fails with [ErrMalformed] or [ErrBudget] for bytes that are no datum, with
// [ErrUnavailable], [ErrUnknownSchema], [ErrMismatch] or [ErrIncompatible] for a
// schema that is not compiled in. The Writer keeps value, which must not change
// while it is in use.
func (c *Codec) Writer(ctx context.Context, value []byte, dataschema string) (*Writer, error) {
	return c.writer(value, dataschema, func(id uint32, doubted bool) (*Schema, error) { return c.client.schema(ctx, id, doubted) })
}

// Known is [Codec.Writer] for a caller that must not wait: the registry is not
// asked. Where it would be, Known fails with [ErrUnavailable].
func (c *Codec) Known(value []byte, dataschema string) (*Writer, error) {
	return c.writer(value, dataschema, c.client.schemaKnown)
}

// lookup finds the schema of an id; doubted asks for a fresh answer.
type lookup func(id uint32, doubted bool) (*Schema, error)

func (c *Codec) writer(value []byte, dataschema string, find lookup) (*Writer, error) {
	if len(value) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrBudget, len(value))
	}
	if len(value) < headerSize || value[0] != magic {
		return nil, fmt.Errorf("%w: no magic byte and schema id", ErrMalformed)
	}
	if !strings.HasPrefix(dataschema, fingerprintPrefix) {
		dataschema = ""
	}
	r, err := c.writerSchema(binary.BigEndian.Uint32(value[1:]), dataschema, find)
	if err != nil {
		return nil, err
	}
	if err := r.writer.shape.skim(value[headerSize:]); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.writer.Name, err)
	}
	return &Writer{reading: r, datum: value[headerSize:]}, nil
}

func (c *Codec) writerSchema(id uint32, fingerprint string, find lookup) (*reading, error) {
	if fingerprint != "" {
		if r := c.readingOf(fingerprint); r != nil {
			return r, nil
		}
		if s := c.contract.byFingerprint[fingerprint]; s != nil {
			return c.reading(s), nil
		}
	}
	s, err := find(id, false)
	if err != nil {
		return nil, err
	}
	if fingerprint != "" && s.Fingerprint != fingerprint {
		// The remembered answer may be the stale one: a registry that lost its
		// memory gave the id to the schema of this very record, after we had
		// asked. A record may be condemned only on a fresh answer.
		if s, err = find(id, true); err != nil {
			return nil, err
		}
		if s.Fingerprint != fingerprint {
			return nil, fmt.Errorf("%w: id %d is %s, %s, the record says %s",
				ErrMismatch, id, s.Name, s.Fingerprint, quoted(fingerprint))
		}
	}
	return c.reading(s), nil
}

// Name is the full name of the record that the value holds. A caller compares it
// with the record's declared type before it decodes: two records may be alike in
// every field.
func (w *Writer) Name() string { return w.reading.writer.Name }

// Topic is where records of this name are at home, which a reader compares with
// where it found the record; empty for a name that is not in the contract.
func (w *Writer) Topic() string { return w.reading.topic }

// Schema is the schema that the value was written with.
func (w *Writer) Schema() *Schema { return w.reading.writer }

// Decode reads the value into a pointer to a zero struct with avro tags, as the
// latest compiled schema of the record's name says: fields that the writer did
// not know take their default. It fails with [ErrNoReader] or [ErrIncompatible],
// and when the struct does not fit; the struct may then be filled in part.
func (w *Writer) Decode(into any) error {
	r := w.reading
	if r.err != nil {
		return fmt.Errorf("decode %s: %w", r.writer.Name, r.err)
	}
	rest, err := r.resolved.Decode(w.datum, into)
	if err != nil {
		return fmt.Errorf("decode %s: %w", r.writer.Name, err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("decode %s: %w: %d bytes follow the datum", r.writer.Name, ErrMalformed, len(rest))
	}
	return nil
}

// JSON renders the value as plain JSON under its writer's schema, also when no
// reader of it is compiled in; the fields come in no particular order. It is for
// tools, which show a record as it was
// written; personal fields are shown like any other.
//
// goavro reserves memory from the datum's counts, up to a bound that is a
// variable of its package. It needs no lowering here: the counts of a datum that
// passed the budget are true and sum up to less than [MaxNodes].
func (w *Writer) JSON() ([]byte, error) {
	name := w.reading.writer.Name
	codec, err := w.reading.writer.generic()
	if err != nil {
		return nil, fmt.Errorf("show %s: %w: %w", name, ErrIncompatible, err)
	}
	native, rest, err := codec.NativeFromBinary(w.datum)
	if err != nil {
		return nil, fmt.Errorf("show %s: %w", name, err)
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("show %s: %w: %d bytes follow the datum", name, ErrMalformed, len(rest))
	}
	text, err := codec.TextualFromNative(nil, native)
	if err != nil {
		return nil, fmt.Errorf("show %s: %w", name, err)
	}
	return text, nil
}
