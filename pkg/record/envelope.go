package record

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/telemetry"
)

// The headers of a record: the CloudEvents Kafka binding in binary mode, its
// extensions, and the W3C trace context.
const (
	headerID          = "ce_id"
	headerSource      = "ce_source"
	headerType        = "ce_type"
	headerSpecVersion = "ce_specversion"
	headerTime        = "ce_time"
	headerSubject     = "ce_subject"
	headerDataSchema  = "ce_dataschema"
	headerCorrelation = "ce_correlationid"
	headerCausation   = "ce_causationid"
	headerSequence    = "ce_sequence"
	headerTenant      = "ce_tenant"
	headerContentType = "content-type"
	headerTraceparent = "traceparent"
)

// Trace is what an input hands on to everything that follows from it.
type Trace struct {
	CorrelationID string `json:"correlation"` // one for the whole story: the id of its first event
	CausationID   string `json:"causation"`   // the event this follows from; empty after a command
	Tenant        string `json:"tenant"`
	Traceparent   string `json:"traceparent"`
}

// DefaultTenant is the tenant of requests and records that name none.
const DefaultTenant = "default"

// Envelope is a record's headers, read.
type Envelope struct {
	ID         string
	Source     string // empty: the record names none
	Type       string
	DataSchema string
	Sequence   int64 // 0: exempt from sequence checks
	Time       time.Time
	placed     bool // the id is the record's place in the log
	Trace
}

// ReadEnvelope reads the headers of a record. A record of a foreign producer
// has none: its id is its place in the log, which no other record has, and it
// starts a story of its own. A header that its grammar does not hold counts as
// not there.
func ReadEnvelope(r *Record) Envelope {
	e := Envelope{Trace: Trace{Tenant: DefaultTenant}}
	for _, h := range r.Headers {
		if !ValidID(h.Value) {
			continue
		}
		switch h.Name {
		case headerID:
			e.ID = h.Value
		case headerSource:
			e.Source = h.Value
		case headerType:
			e.Type = h.Value
		case headerDataSchema:
			e.DataSchema = h.Value
		case headerSequence:
			var err error
			if e.Sequence, err = strconv.ParseInt(h.Value, 10, 64); err != nil {
				e.Sequence = 0 // no number, or one beyond all: exempt, like none
			}
		case headerTime:
			e.Time, _ = time.Parse(time.RFC3339Nano, h.Value) // not a time: unknown, like none
		case headerCorrelation:
			e.CorrelationID = h.Value
		case headerCausation:
			e.CausationID = h.Value
		case headerTenant:
			e.Tenant = h.Value
		case headerTraceparent:
			e.Traceparent = telemetry.Traceparent(h.Value)
		}
	}
	if e.ID == "" {
		e.ID = fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
		e.Sequence, e.placed = 0, true
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	return e
}

// Identity names an event among those of all producers. An id is unique within
// its source only (CloudEvents 1.0, "id"), so the source is part of the name; a
// topic's owner is the source of a record that names none. What the owner names by
// a UUID needs no more: nobody else has it. The kit's own events are of that kind,
// and their names those of the version before.
func (e *Envelope) Identity(topic string) string {
	owner := source(strings.TrimSuffix(topic, ".events"))
	from := e.Source
	if from == "" {
		from = owner
	}
	if from == owner && (e.placed || uuid.Validate(e.ID) == nil) {
		return e.ID
	}
	return from + " " + e.ID
}

func source(owner string) string { return "/quintet/" + owner }

// Event is what an envelope says of an event that is published.
type Event struct {
	ID, Owner, Type, Key string
	Sequence             int64
	Time                 time.Time
	DataSchema           string
	Trace
}

// Headers writes the envelope of an event.
func (e *Event) Headers() Headers {
	hs := Headers{
		{headerID, e.ID},
		{headerSource, source(e.Owner)},
		{headerSpecVersion, "1.0"},
		{headerType, e.Type},
		{headerTime, e.Time.UTC().Format(time.RFC3339Nano)},
		{headerSubject, e.Key},
		{headerDataSchema, e.DataSchema},
		{headerContentType, "application/vnd.confluent.avro"},
		{headerSequence, strconv.FormatInt(e.Sequence, 10)},
		{headerCorrelation, e.CorrelationID},
		{headerTenant, e.Tenant},
	}
	if e.CausationID != "" {
		hs = append(hs, Header{headerCausation, e.CausationID})
	}
	if e.Traceparent != "" {
		hs = append(hs, Header{headerTraceparent, e.Traceparent})
	}
	return hs
}

// Digest sums up what a record says: its type and key, how it is written, and
// its value.
func Digest(name string, r *Record) string {
	sum := func(parts ...[]byte) string {
		h := fnv.New32a()
		for _, p := range parts {
			_, _ = h.Write(p) // a hash takes everything
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	schema, value := r.Value, r.Value
	if len(value) >= wireHeader {
		schema, value = value[:wireHeader], value[wireHeader:]
	}
	return sum([]byte(name), []byte{0}, []byte(r.Key)) + sum(schema) + sum(value)
}

// wireHeader is the magic byte and the schema's id.
const wireHeader = 5

// SameContent reports whether two records of one identity say the same, by their
// digests. A copy in another version of its schema has another value and is no
// other event; a digest that is empty, of a row from before there were any, says
// nothing.
func SameContent(a, b string) bool {
	if a == "" || b == "" || a == b {
		return true
	}
	return a[:8] == b[:8] && a[8:16] != b[8:16]
}
