package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

var (
	// ErrKeyReused is returned when an idempotency key is used again for another
	// request.
	ErrKeyReused = errors.New("idempotency key was used for another request")
	// ErrUnavailable is returned when a command was not accepted, for example when the
	// database is out of reach or the outbox is over its bound. Nothing happened.
	ErrUnavailable = errors.New("service cannot take commands now")
	// ErrOutcomeUnknown is returned when a command may or may not have been committed.
	// A command repeated with the same idempotency key happens once.
	ErrOutcomeUnknown = errors.New("outcome unknown, repeat with the same Idempotency-Key")
)

// Command is a request to this participant.
type Command struct {
	Key            string // of the state that the command is about
	Body           any    // a type that the table names
	IdempotencyKey string // optional; unique within the service, so it holds tenant and operation
	Digest         string // of the request; equal for equal requests
	Tenant         string
	Traceparent    string
}

// command is a command in the loop. Its state decides whether the batch or the caller
// determines the outcome. A batch takes the command under the locks of its keys. Until
// that transaction ends, only the batch can report the outcome. If the caller gives up
// before, the command is left undone. If the caller gives up meanwhile, the outcome is
// unknown to it: the command happens in that transaction or never. The answer to such
// a caller's repeat is therefore final:
//
//	A has the command in a batch, and waits for the database ─
//	the caller gives up: unknown ─ B refuses the repeat ─
//	A retries the batch: without the caller, it leaves the command out
type command struct {
	key    string
	digest string
	reply  string
	err    error
	state  atomic.Int32
	answer chan struct{}
}

const (
	commandWaiting = iota
	commandTaken
	commandLeft
)

// take assigns a command to a transaction that has the locks of its keys. It reports
// false when the caller has given up.
func (c *command) take() bool { return c.state.CompareAndSwap(commandWaiting, commandTaken) }

// release is called when the transaction was rolled back: nothing happened.
func (c *command) release() { c.state.CompareAndSwap(commandTaken, commandWaiting) }

func (c *command) left() bool { return c.state.Load() == commandLeft }

func (c *command) repeat(r *reply) {
	c.reply = r.text
	if r.digest != c.digest {
		c.err = ErrKeyReused
	}
}

// commandPatience is how long a command waits for its batch. It is longer
// than any healthy commit and shorter than a caller's patience.
const commandPatience = 5 * time.Second

// Submit hands a command to the next batch and waits for its commit. It returns the
// reaction's reply as JSON. An error that wraps none of this package's errors says why
// the command was refused, for example by its reaction, by the database, or for an
// unusable key.
func (e *Engine[S]) Submit(ctx context.Context, c Command) (json.RawMessage, error) {
	if c.Key == "" || !record.ValidID(c.Key) {
		return nil, fmt.Errorf("command about %.64q: a key is UTF-8 text of 1 to 256 bytes, without a zero byte", c.Key)
	}
	if !e.open.Load() || e.relay.backlog.Load() > int64(e.OutboxBound) {
		return nil, ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	id := c.IdempotencyKey
	if id == "" {
		id = uuid.NewString()
	}
	cmd := &command{key: c.IdempotencyKey, digest: c.Digest, answer: make(chan struct{})}
	in := &input{
		Input:   flow.Input{Kind: flow.KindCommand, Name: flow.Name(c.Body), ID: "command/" + id, Key: c.Key, Body: c.Body},
		Trace:   record.Trace{Tenant: c.Tenant, Traceparent: c.Traceparent},
		command: cmd,
	}
	if !e.enqueue(ctx, in) {
		return nil, ErrUnavailable
	}
	select {
	case <-cmd.answer:
		return json.RawMessage(cmd.reply), cmd.err
	case <-ctx.Done():
	}
	// The batch and this caller race for the command. If the batch is first, the
	// command is in a transaction that may yet commit, so the outcome is unknown here.
	// If the caller is first, the batch sees that it has left, and omits the command.
	if cmd.state.Swap(commandLeft) == commandWaiting {
		return nil, ErrUnavailable
	}
	select {
	case <-cmd.answer:
		return json.RawMessage(cmd.reply), cmd.err
	default:
		return nil, ErrOutcomeUnknown
	}
}

// NewKey returns the key of a state that a command creates. Such keys grow with time,
// so new rows are neighbours at the end of each table.
func NewKey() string { return uuid.Must(uuid.NewV7()).String() }
