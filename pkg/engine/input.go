package engine

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// input is one unit of the loop's work: an input of the participant, with the engine's
// data about it, or a step of the engine's own.
type input struct {
	flow.Input
	record.Trace

	unreadable  error           // why it has no Body
	unexplained error           // the registry has to be asked about it first
	raw         json.RawMessage // the body as it was stored, when it could not be read
	occurred    time.Time

	record     *record.Record // event
	assignment *Assignment
	eventID    string // the causation id of its outputs
	sequence   int64
	digest     string
	dataSchema string // the schema that its record names

	callID string // result, and steps of a call
	epoch  int64  // of the lease under which the call is made
	due    int64  // timer, in microseconds since 1970

	command *command

	parkedN  int64 // the parked row that this retries; 0: none
	after    int64 // the row before it in its lane, which is retried in front of it; 0: none
	attempts int   // how often it was tried before
	dead     int   // 1: its dead letter is published

	canWait     bool         // for a batch of other inputs: nothing follows from it
	control     func(*batch) // a step of the engine's own, in the same transaction
	assignments []*Assignment
	committed   func(Outcome) // runs once the transaction is committed
}

// Assignment is a partition that this instance reads. The assignment raised the
// partition's generation, so the records that an earlier owner still holds are fenced.
type Assignment struct {
	Topic      string
	Partition  int32
	Start      int64            // the offset to read from, once assigned
	LogStart   int64            // where the log begins, for a first reading
	Commit     func(next int64) // reports the group's position to the broker: a hint
	generation int64
	fenced     chan struct{}
}

// Fenced is closed once a record or a step of the assignment was refused because another
// process has been assigned the partition since. A process that still owns the partition
// in the group must then be assigned it again. An assignment that began earlier and
// committed later may have overtaken its own:
//
//	the group gives B the partition ─ B pauses ─ the group gives it to A ─
//	A's assignment is committed ─ B's assignment is committed
//
// B soon learns from the group that it has lost the partition. A would go on reading,
// and every record that it reads would be refused.
func (a *Assignment) Fenced() <-chan struct{} { return a.fenced }

func (a *Assignment) fence() {
	if a.fenced == nil {
		return // it was never assigned
	}
	select {
	case <-a.fenced:
	default:
		close(a.fenced)
	}
}

func (a *Assignment) key() string { return a.Topic + "/" + strconv.Itoa(int(a.Partition)) }

// lane is a sequence of inputs that are handled in order: those of one key from one
// source. Inputs of different lanes may be handled in any order.
type lane struct{ source, key string }

func (l lane) String() string { return l.source + " " + l.key }

func (in *input) lane() lane {
	if in.Kind == flow.KindEvent {
		return lane{in.record.Topic, in.Key}
	}
	return lane{string(in.Kind) + " " + in.Name, in.Key}
}

// cost returns the bytes that the input adds to a batch.
func (in *input) cost() int {
	if in.record != nil {
		return in.record.Size()
	}
	return 256
}

// ignored reports whether the input is an event without a reaction in this participant.
func (in *input) ignored() bool {
	return in.Kind == flow.KindEvent && in.Body == nil && in.unreadable == nil && in.unexplained == nil && in.parkedN == 0
}

// keys returns the keys whose rows a batch of the inputs locks.
func keys(inputs []*input) []string {
	about := make([]*flow.Input, 0, len(inputs))
	for _, in := range inputs {
		if !in.ignored() && record.ValidID(in.Key) {
			about = append(about, &in.Input)
		}
	}
	return flow.Keys(about)
}

// reacting returns the inputs that may change a state.
func reacting(inputs []*input) []*flow.Input {
	some := make([]*flow.Input, 0, len(inputs))
	for _, in := range inputs {
		if in.Body != nil && in.unreadable == nil && record.ValidID(in.Key) {
			some = append(some, &in.Input)
		}
	}
	return some
}

// readBody decodes a body that this service has stored.
func (e *Engine[S]) readBody(in *input, text []byte) {
	if r, ok := e.table[in.Name]; ok {
		in.Body, in.unreadable = r.Decode(func(into any) error { return json.Unmarshal(text, into) })
	} else {
		in.unreadable = e.noReaction(in.Name)
	}
	if in.unreadable != nil {
		in.Body, in.raw = nil, text
		if !json.Valid(text) {
			in.raw = json.RawMessage(mustJSON(string(text)))
		}
	}
}

// body returns the text of an input that is not a record. A body that could not be read
// is kept as it was. Written as JSON, a missing Body would be null, and null reads as a
// body whose fields are all empty.
func (in *input) body() json.RawMessage {
	if in.raw != nil {
		return in.raw
	}
	text, err := json.Marshal(in.Body)
	if err != nil {
		return json.RawMessage(mustJSON(err.Error())) // no body of any type, so it stays unreadable
	}
	return text
}

// parkedInput is the form of an input in a parked row: enough to handle it again.
type parkedInput struct {
	Kind     flow.Kind       `json:"kind"`
	Name     string          `json:"name"`
	ID       string          `json:"id"`
	Key      string          `json:"key"`
	Trace    record.Trace    `json:"trace"`
	Record   *record.Record  `json:"record,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"`
	EffectID string          `json:"effect,omitempty"`
}

func (in *input) toPark() parkedInput {
	p := parkedInput{Kind: in.Kind, Name: in.Name, ID: in.ID, Key: in.Key, Trace: in.Trace, Record: in.record, EffectID: in.callID}
	if in.record == nil {
		p.Body = in.body()
	}
	return p
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("marshal " + err.Error()) // the engine's own types
	}
	return string(b)
}
