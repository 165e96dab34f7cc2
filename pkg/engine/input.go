package engine

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// input is one thing that the loop handles: an input of the participant, with
// what the engine knows of it, or a step of the engine's own.
type input struct {
	flow.Input
	record.Trace

	unreadable  error           // why it has no Body
	unexplained error           // the registry has to be asked about it first
	raw         json.RawMessage // the body as it was written down, when it could not be read
	occurred    time.Time

	record     *record.Record // event
	assignment *Assignment
	eventID    string // what its outputs name as their cause
	sequence   int64
	digest     string
	dataSchema string // how it says that it is written

	callID string // result, and steps of a call
	epoch  int64  // of the lease under which the call is made
	due    int64  // timer, in microseconds since 1970

	command *command

	parkedN  int64 // the parked row that this retries; 0: none
	after    int64 // the row before it in its lane, which is retried in front of it; 0: none
	attempts int   // how often it was tried before
	dead     int   // 1: its dead letter is published

	canWait     bool         // for a batch that takes it along: nothing follows from it
	control     func(*batch) // a step of the engine's own, in the same transaction
	assignments []*Assignment
	committed   func(Outcome) // runs once the transaction is committed
}

// Assignment is a partition that this instance reads. Its generation was raised
// when it was assigned, so what an earlier owner still holds cannot be written.
type Assignment struct {
	Topic      string
	Partition  int32
	Start      int64            // the offset to read from, once assigned
	LogStart   int64            // where the log begins, for a first reading
	Commit     func(next int64) // tells the broker how far this group is: a hint
	generation int64
	fenced     chan struct{}
}

// Fenced is closed once a record of the assignment was refused because another
// process has been assigned the partition since. Whoever still has the partition
// by the group's word must be assigned it again; it may have been overtaken by an
// assignment that was made before its own and committed after it:
//
//	B is given the partition, and pauses ─ the group gives it to A ─ A is assigned ─ B's assignment is committed
//
// B soon learns that the group has done without it. A would go on reading, and
// everything that it reads would be refused.
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

// lane is what is handled in order: the inputs of one key from one source.
// Between lanes any order is right.
type lane struct{ source, key string }

func (l lane) String() string { return l.source + " " + l.key }

func (in *input) lane() lane {
	if in.Kind == flow.KindEvent {
		return lane{in.record.Topic, in.Key}
	}
	return lane{string(in.Kind) + " " + in.Name, in.Key}
}

// cost is what the input adds to a batch, in bytes.
func (in *input) cost() int {
	if in.record != nil {
		return in.record.Size()
	}
	return 256
}

// ignored reports whether an event is none of this participant's.
func (in *input) ignored() bool {
	return in.Kind == flow.KindEvent && in.Body == nil && in.unreadable == nil && in.unexplained == nil && in.parkedN == 0
}

// keys are those whose rows a batch of the inputs locks.
func keys(inputs []*input) []string {
	about := make([]*flow.Input, 0, len(inputs))
	for _, in := range inputs {
		if !in.ignored() && record.ValidID(in.Key) {
			about = append(about, &in.Input)
		}
	}
	return flow.Keys(about)
}

// reacting are the inputs that may change a state.
func reacting(inputs []*input) []*flow.Input {
	some := make([]*flow.Input, 0, len(inputs))
	for _, in := range inputs {
		if in.Body != nil && in.unreadable == nil && record.ValidID(in.Key) {
			some = append(some, &in.Input)
		}
	}
	return some
}

// readBody reads a body that this service wrote down.
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

// body is the text of an input that is not a record. What could not be read is
// kept as it was: written as JSON it would be null, and null reads as a body
// whose fields are all empty.
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

// parkedInput is an input as a parked row keeps it: enough to handle it again.
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
