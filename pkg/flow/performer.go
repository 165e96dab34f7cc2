package flow

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"time"
)

// ErrNotDone is wrapped by a performer's error when the attempt certainly had
// no effect: it was never sent, or the other side answered that it did nothing.
// Every other error leaves the outcome of that attempt unknown.
var ErrNotDone = errors.New("call had no effect")

// Call is one external call, as its performer sees it.
type Call struct {
	ID      string // the idempotency key: the same for every attempt, also after a restart
	Key     string
	Attempt int // counted from 1, in this process
	// Traceparent is the W3C trace context of what asked for the call; empty
	// when there is none.
	Traceparent string
}

// Policy bounds the attempts of an effect.
type Policy struct {
	Timeout    time.Duration // of one attempt
	Attempts   int           // of one process; 0: no bound
	Elapsed    time.Duration // since the first attempt of this process; 0: no bound
	AtMostOnce bool          // never repeated once it may have happened
}

// Performer makes one kind of external call.
type Performer struct {
	effect  string
	result  string
	policy  Policy
	decode  func(body string) (any, error)
	perform func(ctx context.Context, call Call, effect any) (any, error)
	giveUp  func(effect any, unknown bool) any
	endless bool // there is no giveUp
}

// Perform declares how calls of type E are made. Its result R comes back as an
// input. giveUp is the result once the policy's budget is spent; unknown tells
// whether any attempt may have had an effect. A policy without bounds retries
// for ever, with an alarm, and giveUp may be nil.
func Perform[E, R any](p Policy, perform func(context.Context, Call, E) (R, error), giveUp func(e E, unknown bool) R) Performer {
	return Performer{
		effect: reflect.TypeFor[E]().Name(),
		result: reflect.TypeFor[R]().Name(),
		policy: p,
		decode: func(body string) (any, error) {
			var e E
			err := json.Unmarshal([]byte(body), &e)
			return e, err
		},
		perform: func(ctx context.Context, c Call, e any) (any, error) { return perform(ctx, c, e.(E)) },
		giveUp:  func(e any, unknown bool) any { return giveUp(e.(E), unknown) },
		endless: giveUp == nil,
	}
}
