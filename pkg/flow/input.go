package flow

import (
	"encoding/json"
	"strconv"
	"time"
)

// Input is one thing that a participant reacts to: an event, a command, the
// result of a call, a timer. The last three never leave the service.
type Input struct {
	Kind Kind
	Name string // the event's type, or the name of the command, result or timer
	ID   string // equal for equal inputs: what makes handling one twice a duplicate
	Key  string // whose state it is about
	Body any    // what the reaction gets; nil for an event that the table does not name
	Trace

	unreadable error           // why it has no Body
	raw        json.RawMessage // the body as it was written down, when it could not be read
	occurred   time.Time

	record   *Record // event
	claim    *Claim
	sequence int64

	effectID string // result, and start of an at-most-once call
	epoch    int64  // of the lease under which the call is made; 0: of no lease
	due      int64  // timer, in microseconds since 1970

	command *command

	parkedN int64 // the row this retries, when it comes out of a parked lane
	tried

	claims   []*Claim      // the partitions that an internal step is about
	internal func(*work)   // a step of the kit's own, in the same transaction
	told     func(Outcome) // runs once the transaction is committed
}

// Claim is a partition that this instance reads. Its epoch was raised when it
// was assigned, so what an earlier owner still holds cannot be written.
type Claim struct {
	Topic     string
	Partition int32
	Start     int64            // the offset to read from, once assigned
	LogStart  int64            // where the log begins, for a first reading
	Mark      func(next int64) // tells the broker how far this group is: a hint
	epoch     int64
	lost      chan struct{}
}

// Lost is closed once a record of the claim was refused because another process
// has claimed the partition since. Whoever still has the partition by the
// group's word must claim it again; it may have been overtaken by a claim that
// was made before its own and committed after it:
//
//	B is given the partition, and pauses ─ the group gives it to A ─ A claims it ─ B's claim is committed
//
// B soon learns that the group has done without it. A would go on reading, and
// everything that it reads would be refused.
func (c *Claim) Lost() <-chan struct{} { return c.lost }

func (c *Claim) lose() {
	if c.lost == nil {
		return // it was never assigned
	}
	select {
	case <-c.lost:
	default:
		close(c.lost)
	}
}

func (c *Claim) key() string { return c.Topic + "/" + strconv.Itoa(int(c.Partition)) }

// tried is what has become of an input that is parked.
type tried struct {
	attempts int  // how often it was tried before
	dead     bool // its dead letter is published
}

// lane is what is handled in order: the inputs of one key from one source.
// Between lanes any order is right.
type lane struct{ source, key string }

func (l lane) String() string { return l.source + " " + l.key }

func (in *Input) lane() lane {
	if in.Kind == KindEvent {
		return lane{in.record.Topic, in.Key}
	}
	return lane{string(in.Kind) + " " + in.Name, in.Key}
}

// cost is what the input adds to a batch, in bytes.
func (in *Input) cost() int {
	if in.record != nil {
		return len(in.record.Value)
	}
	return 256
}

// parkedInput is an input as a parked row keeps it: enough to handle it again.
type parkedInput struct {
	Kind     Kind            `json:"kind"`
	Name     string          `json:"name"`
	ID       string          `json:"id"`
	Key      string          `json:"key"`
	Trace    Trace           `json:"trace"`
	Record   *Record         `json:"record,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"`
	EffectID string          `json:"effect,omitempty"`
}

// readBody reads a body that this service wrote down.
func (in *Input) readBody(decode func(func(into any) error) (any, error), text []byte) {
	if in.Body, in.unreadable = decode(fromJSON(text)); in.unreadable != nil {
		in.Body, in.raw = nil, text
		if !json.Valid(text) {
			in.raw = json.RawMessage(mustJSON(string(text)))
		}
	}
}

// body is the text of an input that is not a record. What could not be read is
// kept as it was: written as JSON it would be null, and null reads as a body
// whose fields are all empty.
func (in *Input) body() json.RawMessage {
	if in.raw != nil {
		return in.raw
	}
	text, err := json.Marshal(in.Body)
	if err != nil {
		return json.RawMessage(mustJSON(err.Error())) // no body of any type, so it stays unreadable
	}
	return text
}

func (in *Input) toPark() parkedInput {
	p := parkedInput{Kind: in.Kind, Name: in.Name, ID: in.ID, Key: in.Key, Trace: in.Trace, Record: in.record, EffectID: in.effectID}
	if in.record == nil {
		p.Body = in.body()
	}
	return p
}
