package e2e

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/schemas/events"
)

// Fact is one decoded record of a topic.
type Fact struct {
	ID            string
	Type          string // full name, such as quintet.order.OrderPlaced
	Topic         string
	Partition     int32
	Offset        int64
	Key           string // the order's id
	Sequence      int64  // per order and owner, from 1; 0 when the record has none
	Correlation   string
	Causation     string // id of the event that this one follows from; empty when it follows from a request
	Subject       string
	Time          time.Time // when it happened; zero when the record has no time
	Appended      time.Time // when the broker appended it, to the millisecond
	SchemaVersion int       // 0: not a schema of the contract
	Fields        map[string]any
	Unreadable    string      // why it has no Fields
	Dead          *DeadLetter // on a dead-letter topic

	value []byte
}

// DeadLetter is why a participant could not handle a record.
type DeadLetter struct {
	Service  string
	Input    string // kind and name
	Cause    string
	Attempts string
}

// Name is the event's type without its namespace. A record without a type is called an
// unreadable record.
func (f Fact) Name() string {
	return cmp.Or(f.Type[strings.LastIndexByte(f.Type, '.')+1:], "unreadable record")
}

// Owner is the service whose topic the record is on.
func (f Fact) Owner() string {
	owner, _, _ := strings.Cut(f.Topic, ".")
	return owner
}

// happened is the time of the event, or of its appending when the record has none. A
// dead letter carries the time of the event that was not handled. So for a dead letter
// happened is the time at which the participant gave up.
func (f Fact) happened() time.Time {
	if f.Time.IsZero() || f.Dead != nil {
		return f.Appended
	}
	return f.Time
}

// Place is the record's topic, partition and offset.
func (f Fact) Place() string { return fmt.Sprintf("%s/%d@%d", f.Topic, f.Partition, f.Offset) }

func (f Fact) String() string { return fmt.Sprintf("%s of %s (%s)", f.Name(), f.Key, f.Place()) }

// schemaID is the id of the schema in the record's frame; 0 when it has none.
func (f Fact) schemaID() int {
	if len(f.value) < 5 {
		return 0
	}
	return int(binary.BigEndian.Uint32(f.value[1:5]))
}

// same reports whether two records are equal: a copy, not another event.
func (f Fact) same(g Fact) bool {
	return f.Type == g.Type && f.Key == g.Key && f.Sequence == g.Sequence && f.Causation == g.Causation && bytes.Equal(f.value, g.value)
}

// newFact reads a record's frame; decode reads its value. The id of a record without
// CloudEvents headers is its place, as in the services.
func newFact(m *sarama.ConsumerMessage) (f Fact, dataSchema string) {
	f = Fact{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: string(m.Key), Appended: m.Timestamp, value: m.Value}
	var dead DeadLetter
	var kind, name string
	for _, h := range m.Headers {
		value := string(h.Value)
		switch string(h.Key) {
		case "ce_id":
			f.ID = value
		case "ce_type":
			f.Type = value
		case "ce_sequence":
			f.Sequence, _ = strconv.ParseInt(value, 10, 64) // not a number: none, as in the services
		case "ce_correlationid":
			f.Correlation = value
		case "ce_causationid":
			f.Causation = value
		case "ce_subject":
			f.Subject = value
		case "ce_time":
			f.Time, _ = time.Parse(time.RFC3339Nano, value) // not a time: unknown
		case "ce_dataschema":
			dataSchema = value
		case "dl_service":
			dead.Service = value
		case "dl_kind":
			kind = value
		case "dl_name":
			name = value
		case "dl_cause":
			dead.Cause = value
		case "dl_attempts":
			dead.Attempts = value
		}
	}
	if f.ID == "" {
		f.ID = fmt.Sprintf("%s/%d/%d", f.Topic, f.Partition, f.Offset)
	}
	if strings.HasSuffix(f.Topic, ".dead-letter") {
		dead.Input = kind + " " + name
		f.Dead = &dead
	}
	return f, dataSchema
}

// hidden replaces personal or payment data.
const hidden = "***"

// hide masks the sensitive fields of an event: a reader of its flow needs none of them.
func hide(eventType string, fields map[string]any) {
	for _, path := range events.Sensitive(eventType) {
		mask(fields, strings.Split(path, "."))
	}
}

func mask(v any, path []string) {
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	name, list := strings.CutSuffix(path[0], "[]")
	inner, present := object[name]
	switch {
	case !present || inner == nil:
	case len(path) == 1:
		object[name] = hidden
	case list:
		elements, _ := inner.([]any)
		for _, e := range elements {
			mask(e, path[1:])
		}
	default:
		mask(inner, path[1:])
	}
}

func readFields(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // an amount must not become a float
	var fields map[string]any
	return fields, d.Decode(&fields)
}
