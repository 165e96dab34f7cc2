package flow

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"time"
)

// ErrNoEffect is wrapped by a call handler's error when the attempt certainly had
// no effect: it was never sent, or the other side answered that it did nothing.
// Every other error leaves the outcome of that attempt unknown.
var ErrNoEffect = errors.New("call had no effect")

// Call is one external call, as its handler sees it.
type Call struct {
	ID      string // the idempotency key: the same for every attempt, also after a restart
	Key     string
	Attempt int // counted from 1, over all processes; see Policy for what counts
	// Traceparent is the W3C trace context of what asked for the call; empty
	// when there is none.
	Traceparent string
}

// Policy bounds the attempts of a call. An attempt counts once it has come back: one
// that ends the process is made again, so a handler must not do that.
type Policy struct {
	Timeout    time.Duration // of one attempt
	Attempts   int           // 0: no bound
	MaxElapsed time.Duration // since the first attempt; 0: no bound
	AtMostOnce bool          // never repeated once it may have happened
}

// CallHandler makes one kind of external call.
type CallHandler struct {
	Call   string // its name
	Result string // its result's
	Policy Policy
	Decode func(body []byte) (any, error)
	Do     func(ctx context.Context, call Call, body any) (any, error)
	GiveUp func(body any, unknown bool) any // nil: the call is repeated for ever
}

// HandleCall declares how calls of type E are made. Its result R comes back as an
// input. giveUp is the result once the policy's budget is spent; unknown tells
// whether any attempt may have had an effect. A policy without bounds retries
// for ever, with an alarm, and giveUp may be nil.
func HandleCall[E, R any](p Policy, do func(context.Context, Call, E) (R, error), giveUp func(e E, unknown bool) R) CallHandler {
	made := CallHandler{
		Call:   reflect.TypeFor[E]().Name(),
		Result: reflect.TypeFor[R]().Name(),
		Policy: p,
		Decode: func(body []byte) (any, error) {
			var e E
			err := json.Unmarshal(body, &e)
			return e, err
		},
		Do: func(ctx context.Context, c Call, e any) (any, error) { return do(ctx, c, e.(E)) },
	}
	if giveUp != nil {
		made.GiveUp = func(e any, unknown bool) any { return giveUp(e.(E), unknown) }
	}
	return made
}
