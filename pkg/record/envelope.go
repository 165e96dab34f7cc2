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

// Trace holds the fields that an input passes on to everything that follows from it.
type Trace struct {
	CorrelationID string `json:"correlation"` // one for the whole story: the id of its first event
	CausationID   string `json:"causation"`   // the event this follows from; empty after a command
	Tenant        string `json:"tenant"`
	Traceparent   string `json:"traceparent"`
}

// DefaultTenant is the tenant of requests and records that name none.
const DefaultTenant = "default"

// Envelope holds the decoded headers of a record.
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

// ReadEnvelope reads the headers of a record. A record of a foreign producer may have
// none. Then its id is its place in the log, and no other record has that place. The
// record starts a story of its own. A header that its grammar does not allow counts as
// absent.
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

// Identity names an event among those of all producers. An id is unique within its
// source only (CloudEvents 1.0, "id"), so the source is part of the name. A topic's
// owner is the source of a record that names none. A UUID from the owner, or a place in
// the log, needs no source: no other event has it. The kit's own events have UUIDs, and
// the names that they had in the version before.
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

// Event holds the envelope's fields of an event that is published.
type Event struct {
	ID, Owner, Type, Key string
	Sequence             int64
	Time                 time.Time
	DataSchema           string
	Trace
}

// Headers returns the envelope of an event as headers.
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

// Digest sums up the content of a record: its type and key, its schema's id, and its
// value.
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

// SameContent reports by their digests whether two records of one identity have the
// same content. A copy in another version of its schema has another value, but is no
// other event. A row older than digests has an empty one, and that equals any other.
func SameContent(a, b string) bool {
	if a == "" || b == "" || a == b {
		return true
	}
	return a[:8] == b[:8] && a[8:16] != b[8:16]
}
