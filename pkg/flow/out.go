package flow

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// ErrUndeclared is returned when a reaction has an output that its row of the
// table does not declare.
var ErrUndeclared = errors.New("output is not declared by the reaction")

// Out collects the outputs of one reaction. A reaction has no other way to act:
// no clock, no randomness, no I/O. No output takes effect unless the batch
// commits.
type Out struct {
	now     time.Time
	inputID string
	service string
	may     declared
	made    Outputs
	err     error
}

// Now is the time of the batch, the same for every output of it.
func (o *Out) Now() time.Time { return o.now }

// ID derives an identifier from the input's. A reaction that runs again for the
// same input derives the same identifiers.
func (o *Out) ID(what string) string { return DeriveID("", o.inputID, o.service, what, 0) }

// Emit publishes an event once the batch is committed.
func (o *Out) Emit(e Event) {
	if !slices.ContainsFunc(o.may.emits, func(d Event) bool { return d.EventType() == e.EventType() }) {
		o.Reject(fmt.Errorf("emit %s: %w", e.EventType(), ErrUndeclared))
		return
	}
	o.made.Events = append(o.made.Events, e)
}

// Call makes an external call once the batch is committed. Its result comes back
// as an input.
func (o *Out) Call(call any) {
	if !slices.Contains(o.may.calls, Name(call)) {
		o.Reject(fmt.Errorf("call %s: %w", Name(call), ErrUndeclared))
		return
	}
	o.made.Calls = append(o.made.Calls, call)
}

// StartTimer starts a timer that comes back as an input after d. A key has one timer
// of a name: starting it again moves it.
func (o *Out) StartTimer(d time.Duration, timer any) {
	if !slices.Contains(o.may.starts, Name(timer)) {
		o.Reject(fmt.Errorf("start %s: %w", Name(timer), ErrUndeclared))
		return
	}
	o.made.Timers = append(o.made.Timers, Started{timer, d})
}

// StopTimer stops a timer, if it is running. A timer that has fired and is parked is not
// running: it is handled once its reaction accepts it.
func (o *Out) StopTimer(timer any) {
	o.made.Timers = slices.DeleteFunc(o.made.Timers, func(t Started) bool { return Name(t.Timer) == Name(timer) })
	o.made.Stopped = append(o.made.Stopped, Name(timer))
}

// Reply sets the answer to a command. The batch stores it under the command's
// idempotency key, so a repeat gets the same answer.
func (o *Out) Reply(v any) { o.made.Reply = v }

// Reject discards the reaction's outputs, earlier and later ones, and its new state.
// A command gets err as its answer; an event, a result or a timer parks with err as
// its cause. A business refusal is an event and not an error: Reject is for input
// that cannot be handled at all.
func (o *Out) Reject(err error) {
	if o.err == nil {
		o.err = err
	}
}

// DeriveID derives the id of the n-th output of a kind that a participant makes of an
// input. Equal inputs give equal ids, so publishing again after a crash is a
// duplicate and not a second event.
//
// If key is a UUID, the id begins with its first 48 bits (version 8, RFC 9562). So
// the ids of one key are neighbours in every index. They grow with time if the keys
// do (version 7). A batch writes few pages of a table of ids, however long the table
// is.
func DeriveID(key, inputID, service, what string, n int) string {
	from := inputID + "\x00" + service + "\x00" + what + "\x00" + strconv.Itoa(n)
	k, err := uuid.Parse(key)
	if err != nil {
		return uuid.NewSHA1(idSpace, []byte(from)).String()
	}
	// The id depends on the key too: a client chooses the input's id, but not a new key.
	id := uuid.NewSHA1(idSpace, []byte(key+"\x00"+from))
	copy(id[:6], k[:6])
	id[6] = id[6]&0x0f | 0x80
	return id.String()
}

// idSpace separates derived ids from all other name-based UUIDs.
var idSpace = uuid.MustParse("5f0c6a52-6d1b-4d0e-9a5e-0d4f3c1e7b21")
