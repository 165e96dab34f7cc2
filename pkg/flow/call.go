package flow

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"time"
)

// ErrNoEffect marks an attempt that certainly had no effect: a call handler's error
// wraps it. The handler never sent the request, or the other side answered that it
// did nothing. Every other error leaves the outcome of that attempt unknown.
var ErrNoEffect = errors.New("call had no effect")

// Call is one external call, as its handler sees it.
type Call struct {
	ID      string // the idempotency key: the same for every attempt, also after a restart
	Key     string
	Attempt int // counted from 1, over all processes; Policy says which attempts count
	// Traceparent is the W3C trace context of the input that asked for the call;
	// empty when the input has none.
	Traceparent string
}

// Policy bounds the attempts of a call. An attempt counts once its handler has
// returned. An attempt that ends the process does not count, and is repeated unless
// AtMostOnce is set: a handler must not end the process.
type Policy struct {
	Timeout    time.Duration // of one attempt
	Attempts   int           // 0: no bound
	MaxElapsed time.Duration // since the first attempt; 0: no bound
	AtMostOnce bool          // never repeated once it may have happened
}

// CallHandler makes one kind of external call.
type CallHandler struct {
	Call   string // the call's name
	Result string // the name of its result
	Policy Policy
	Decode func(body []byte) (any, error)
	Do     func(ctx context.Context, call Call, body any) (any, error)
	GiveUp func(body any, unknown bool) any // nil: the engine retries the call for ever
}

// HandleCall declares the handler do of calls of type E. Its result R comes back as an
// input. giveUp returns the result once the policy's budget is spent; unknown reports
// whether any attempt may have had an effect. With a policy without bounds the engine
// retries for ever, with an alarm, and giveUp may be nil.
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
