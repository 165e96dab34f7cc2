package registry

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
)

// Writer is a value together with its writer's schema. The value's bytes have passed
// the decode budget.
type Writer struct {
	reading *reading
	datum   []byte
}

// Writer finds the schema that value was written with. dataschema is the record's
// ce_dataschema header, empty when it has none. Writer ignores a dataschema that is not
// a fingerprint of this package's form, since it says nothing about Avro.
//
// It fails with [ErrMalformed] or [ErrBudget] for bytes that are no datum. For a schema
// that is not compiled in, it fails with [ErrUnavailable], [ErrUnknownSchema],
// [ErrMismatch] or [ErrIncompatible]. The Writer keeps value, which must not change
// while it is in use.
func (c *Codec) Writer(ctx context.Context, value []byte, dataschema string) (*Writer, error) {
	return c.writer(value, dataschema, func(id uint32, doubted bool) (*Schema, error) { return c.client.schema(ctx, id, doubted) })
}

// Known is [Codec.Writer] for a caller that must not wait: it sends the registry no
// request. Where a request would be needed, Known fails with [ErrUnavailable].
func (c *Codec) Known(value []byte, dataschema string) (*Writer, error) {
	return c.writer(value, dataschema, c.client.schemaKnown)
}

// lookup finds the schema of an id; doubted requests a fresh answer.
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
		// The cached answer may be the stale one. We asked for the id. The registry
		// lost its memory. It then gave the id to the schema of this very record. Only
		// a fresh answer may condemn a record.
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

// Name returns the full name of the record that the value holds. A caller compares it
// with the record's declared type before it decodes: two records may be alike in every
// field.
func (w *Writer) Name() string { return w.reading.writer.Name }

// Topic returns the topic on which the owner publishes records of this name. A reader
// compares it with the topic of the record. It is empty for a name that is not in the
// contract.
func (w *Writer) Topic() string { return w.reading.topic }

// Schema returns the writer's schema of the value.
func (w *Writer) Schema() *Schema { return w.reading.writer }

// Decode reads the value into a pointer to a zero struct with avro tags. It follows the
// latest compiled schema of the record's name: fields that the writer's schema lacks
// take their default. It fails with [ErrNoReader] or [ErrIncompatible], and when the
// struct does not fit. The struct may then be filled in part.
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

// JSON renders the value as plain JSON under its writer's schema, also when no reader
// of it is compiled in. The fields come in no particular order. It is for tools, which
// show a record as it was written; personal fields are shown like any other.
//
// goavro reserves memory from the datum's counts, up to a bound in a variable of its
// package. That bound needs no lowering here. The counts of a datum that passed the
// budget are true, and sum up to less than [MaxNodes].
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
