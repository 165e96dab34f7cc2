package registry

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/avro"
)

var (
	// ErrUnavailable is returned when the registry cannot be asked, or its answer is
	// not a registry's. The same call may succeed later.
	ErrUnavailable = errors.New("schema registry unavailable")

	// ErrUnknownSchema is returned when the registry answers that it holds no schema of
	// the value's id. The schema may be registered later, so a caller may retry for a
	// while.
	ErrUnknownSchema = errors.New("schema unknown to the registry")

	// ErrMismatch is returned when the registry holds another schema under the value's
	// id than the writer's. Permanent, unless the registry is repaired.
	ErrMismatch = errors.New("schema id stands for another schema")

	// ErrMalformed is returned when a value is not one datum of its schema in
	// the wire format. Permanent.
	ErrMalformed = errors.New("malformed value")

	// ErrBudget is returned when a value is larger or deeper than a reader
	// accepts. Permanent.
	ErrBudget = errors.New("value exceeds the decode budget")

	// ErrIncompatible is returned when the registry refuses a schema. It is also
	// returned when a writer's schema is of no use (not Avro, too large, refers to
	// others). The third cause is a writer's schema that cannot be read as the compiled
	// one. Permanent.
	ErrIncompatible = errors.New("incompatible schema")

	// ErrNoReader is returned when no schema of the record's name is compiled in.
	ErrNoReader = errors.New("no reader for this record")

	// ErrNotRegistered is returned when a value is to be encoded before
	// [Codec.Register] succeeded.
	ErrNotRegistered = errors.New("schemas not registered yet")
)

const (
	magic      = 0
	headerSize = 5 // the magic byte and the schema's id
)

// Codec encodes the records of one owner and decodes those of all owners in the
// contract. It is safe for concurrent use.
type Codec struct {
	contract *Contract
	client   *Client
	owner    string
	own      map[string]*atomic.Uint32 // ids by record name; only the latest version is ever written
	ready    atomic.Bool

	mu       sync.RWMutex
	readings map[string]*reading // by the writer's fingerprint; at most maxCached
}

// NewCodec makes a codec for owner. It sends the registry no request.
func NewCodec(contract *Contract, client *Client, owner string) *Codec {
	c := &Codec{contract: contract, client: client, owner: owner,
		own: map[string]*atomic.Uint32{}, readings: map[string]*reading{}}
	for _, s := range contract.schemas {
		if s.Owner == owner {
			c.own[s.Name] = new(atomic.Uint32)
		}
	}
	return c
}

// Register registers all versions of the owner's schemas, older versions first, under
// the compatibility level FULL_TRANSITIVE. It stores the ids to write with. It fails
// with [ErrUnavailable], which may pass, or with [ErrIncompatible] or [ErrMismatch],
// which will not.
//
// A caller repeats Register, so that a registry that lost its memory receives the
// schemas anew. From then on values carry its new ids. Until then values carry ids that
// may by now stand for other schemas. So Register stores each new id at once, even if a
// later schema fails.
func (c *Codec) Register(ctx context.Context) error {
	for _, s := range c.contract.schemas { // in order of their versions
		if s.Owner != c.owner {
			continue
		}
		id, err := c.client.register(ctx, s)
		if err != nil {
			return fmt.Errorf("register schema %s v%d: %w", s.Name, s.Version, err)
		}
		if s == c.contract.latest[s.Name] {
			c.own[s.Name].Store(id)
		}
	}
	c.ready.Store(true)
	return nil
}

// Encode writes v under the latest version of the owner's record name. v is a struct
// with avro tags or a pointer to one. It returns the record's value and its dataschema.
// Besides [ErrNotRegistered] it fails when v does not fit the schema. It fails with
// [ErrBudget] or [ErrMalformed] when no reader would accept the value. So a value that
// must not be published fails where it is encoded.
func (c *Codec) Encode(name string, v any) (value []byte, dataschema string, err error) {
	id := c.own[name]
	if id == nil {
		return nil, "", fmt.Errorf("encode %s: not a record of %s", name, c.owner)
	}
	if !c.ready.Load() {
		return nil, "", fmt.Errorf("encode %s: %w", name, ErrNotRegistered)
	}
	s := c.contract.latest[name]
	value = make([]byte, headerSize, 256)
	value[0] = magic
	binary.BigEndian.PutUint32(value[1:], id.Load())
	if value, err = s.avro.AppendEncode(value, v); err != nil {
		return nil, "", fmt.Errorf("encode %s: %w", name, err)
	}
	if len(value) > MaxBytes {
		return nil, "", fmt.Errorf("encode %s: %w: %d bytes", name, ErrBudget, len(value))
	}
	if err := s.shape.skim(value[headerSize:]); err != nil {
		return nil, "", fmt.Errorf("encode %s: %w", name, err)
	}
	return value, s.Fingerprint, nil
}

// reading is a writer's schema and its resolution to our latest schema of that name.
type reading struct {
	writer   *Schema
	topic    string       // of the reader; empty when there is none
	resolved *avro.Schema // writer's bytes to the reader's fields; nil when err is set
	err      error
}

// reading resolves a writer's schema once. The fingerprint identifies a schema; the
// caller that fetched it, and the id, do not matter.
func (c *Codec) reading(writer *Schema) *reading {
	if r := c.readingOf(writer.Fingerprint); r != nil {
		return r
	}
	r := &reading{writer: writer}
	if reader := c.contract.latest[writer.Name]; reader == nil {
		r.err = ErrNoReader
	} else {
		r.topic = reader.Topic()
		if r.resolved, r.err = avro.Resolve(writer.avro, reader.avro); r.err != nil {
			r.err = fmt.Errorf("%w: %w", ErrIncompatible, r.err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.readings) >= maxCached {
		clear(c.readings) // rebuilt from the contract and the client's own cache
	}
	c.readings[writer.Fingerprint] = r
	return r
}

func (c *Codec) readingOf(fingerprint string) *reading {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.readings[fingerprint]
}
