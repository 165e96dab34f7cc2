package engine

import (
	"context"
	"math/rand/v2"
	"time"
)

// Turns lets a simulation decide which goroutine goes on. An engine's goroutines wait
// for each other, time, the registry, the database, the log and the outside world. After
// any wait but the last three, a goroutine calls Turns before it touches shared state.
// It passes the place, and the key or id that the step is about.
//
// A simulation that blocks these calls runs one goroutine at a time. With the seams of
// [store.Faults], [Producer] and [flow.CallHandler] it controls every order of steps. In
// production Turns is nil and costs a comparison.
//
// The idea is FoundationDB's simulation: production code, one thread, a seed.
type Turns func(place, about string)

func (t Turns) next(place, about string) {
	if t != nil {
		t(place, about)
	}
}

// backoff returns the wait after a number of failures in a row. The wait doubles with
// each failure, up to a bound. Jitter spreads the retries of simultaneous failures. The
// wait depends on the count alone, which a call keeps in its row.
func (t Turns) backoff(failures int) time.Duration {
	const first, most = 50 * time.Millisecond, 5 * time.Second
	d := most
	if failures < 8 {
		d = min(most, first<<(failures-1))
	}
	if t != nil {
		return d
	}
	return d/2 + rand.N(d)
}

// await waits for the first of ctx's end, by and at, and then for its turn. It reports
// false when ctx ended first. If several are ready already, it takes the first in this
// order. A select would choose at random, and equal seeds must make equal runs. Either
// channel may be nil.
func (t Turns) await(ctx context.Context, by <-chan struct{}, at <-chan time.Time, place, about string) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case <-by:
	default:
		select {
		case <-ctx.Done():
			return false
		case <-by:
		case <-at:
		}
	}
	t.next(place, about)
	return true
}

// pause waits for the backoff of a number of failures in a row. It reports false when
// ctx ended first.
func (t Turns) pause(ctx context.Context, failures int, about string) bool {
	wait := time.NewTimer(t.backoff(failures))
	defer wait.Stop()
	return t.await(ctx, nil, wait.C, "paused", about)
}
