package flow

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quintet-eda/quintet/pkg/telemetry"
)

// Record is a record on a topic, as the log carries it.
type Record struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Key       string   `json:"key"` // empty: the record has no key
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

// Header is one header of a record.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

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

// envelope is a record's headers, read.
type envelope struct {
	ID         string
	Type       string
	DataSchema string
	Sequence   int64 // 0: exempt from sequence checks
	Time       time.Time
	Trace
}

// maxHeader bounds an identifier that a foreign producer may choose: it
// becomes a key in this service's database.
const maxHeader = 256

// usable reports whether a foreign text may become an identifier here: bounded,
// and the same after it has been through JSON and a database. Bytes that are
// not UTF-8 are not: looked up they would be found under another text, so a
// duplicate would be new and a known key's state empty.
func usable(text string) bool {
	return len(text) <= maxHeader && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// readEnvelope reads the headers of a record. A record of a foreign producer
// has none: its id is its place in the log, which no other record has, and it
// starts a story of its own.
func readEnvelope(r *Record) envelope {
	e := envelope{Trace: Trace{Tenant: DefaultTenant}}
	for _, h := range r.Headers {
		if !usable(h.Value) {
			continue
		}
		switch h.Name {
		case headerID:
			e.ID = h.Value
		case headerType:
			e.Type = h.Value
		case headerDataSchema:
			e.DataSchema = h.Value
		case headerSequence:
			e.Sequence, _ = strconv.ParseInt(h.Value, 10, 64) // not a number: exempt, like none
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
		e.Sequence = 0
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	return e
}

// eventHeaders writes the envelope of an event.
func eventHeaders(id string, ev Event, seq int64, at time.Time, dataSchema string, t Trace) []Header {
	hs := []Header{
		{headerID, id},
		{headerSource, "/quintet/" + ev.EventOwner()},
		{headerSpecVersion, "1.0"},
		{headerType, ev.EventType()},
		{headerTime, at.UTC().Format(time.RFC3339Nano)},
		{headerSubject, ev.EventKey()},
		{headerDataSchema, dataSchema},
		{headerContentType, "application/vnd.confluent.avro"},
		{headerSequence, strconv.FormatInt(seq, 10)},
		{headerCorrelation, t.CorrelationID},
		{headerTenant, t.Tenant},
	}
	if t.CausationID != "" {
		hs = append(hs, Header{headerCausation, t.CausationID})
	}
	if t.Traceparent != "" {
		hs = append(hs, Header{headerTraceparent, t.Traceparent})
	}
	return hs
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("marshal %T: %v", v, err)) // the kit's own types, and effects that a reaction is tested with
	}
	return string(b)
}
