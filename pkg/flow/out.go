package flow

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// ErrUndeclared is returned when a reaction puts out something that its row
// of the table does not declare.
var ErrUndeclared = errors.New("output is not declared by the reaction")

// Out collects what one reaction puts out. A reaction has no other way to act:
// no clock, no randomness, no I/O. Nothing of it happens unless the batch
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

// ID derives an identifier from the input's, so that a reaction that is run
// again for the same input names the same things.
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

// StartTimer starts a timer that comes back as an input after d. There is one timer
// of a name per key: starting it again moves it.
func (o *Out) StartTimer(d time.Duration, timer any) {
	if !slices.Contains(o.may.starts, Name(timer)) {
		o.Reject(fmt.Errorf("start %s: %w", Name(timer), ErrUndeclared))
		return
	}
	o.made.Timers = append(o.made.Timers, Started{timer, d})
}

// StopTimer ends a timer, if it is running. One that has fired and was parked is not: it
// is handled once its reaction takes it.
func (o *Out) StopTimer(timer any) {
	o.made.Timers = slices.DeleteFunc(o.made.Timers, func(t Started) bool { return Name(t.Timer) == Name(timer) })
	o.made.Stopped = append(o.made.Stopped, Name(timer))
}

// Reply is the answer to a command. It is stored with the command's key, so a
// repeat gets the same.
func (o *Out) Reply(v any) { o.made.Reply = v }

// Reject takes back all that the reaction did and does. A command gets err as its
// answer; an event, a result or a timer parks with err as its cause. A
// business refusal is not an error but an event: this is for input that
// cannot be handled at all.
func (o *Out) Reject(err error) {
	if o.err == nil {
		o.err = err
	}
}

// DeriveID names the n-th output of a kind that a participant makes of an
// input. Equal inputs give equal names, which is what makes publishing again
// after a crash a duplicate and not a second event.
//
// If key is a UUID, the id begins with its first 48 bits (version 8, RFC 9562). So
// the ids of one key are neighbours in every index, and grow with time if the keys
// do (version 7): a batch writes few pages of a table of ids, however long that is.
func DeriveID(key, inputID, service, what string, n int) string {
	from := inputID + "\x00" + service + "\x00" + what + "\x00" + strconv.Itoa(n)
	k, err := uuid.Parse(key)
	if err != nil {
		return uuid.NewSHA1(idSpace, []byte(from)).String()
	}
	// With the key in it: a client chooses the input's id, but not the key of what is new.
	id := uuid.NewSHA1(idSpace, []byte(key+"\x00"+from))
	copy(id[:6], k[:6])
	id[6] = id[6]&0x0f | 0x80
	return id.String()
}

// idSpace keeps derived ids apart from everyone else's name-based UUIDs.
var idSpace = uuid.MustParse("5f0c6a52-6d1b-4d0e-9a5e-0d4f3c1e7b21")
