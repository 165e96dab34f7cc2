package engine

import (
	"context"
	"math/rand/v2"
	"time"
)

// Turns lets a simulation decide who goes on. An engine's goroutines wait for
// each other, for time, for the registry, for the database, the log and the
// outside world; where one of them goes on after any but the last three, and
// before it touches what they share, it calls this with the place and the key or
// id that it is about.
// Whoever keeps it waiting there has one goroutine running at a time, and with
// the seams of [store.Faults], [Producer] and [flow.CallHandler] every order of steps in its
// hands. In production it is nil and costs a comparison.
//
// The idea is FoundationDB's simulation: production code, one thread, a seed.
type Turns func(place, about string)

func (t Turns) next(place, about string) {
	if t != nil {
		t(place, about)
	}
}

// backoff is how long one waits after so many failures in a row: twice as long each
// time, with jitter, so that what failed together does not come back together. It
// depends on the count alone, which a call keeps in its row.
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

// await waits for what comes first, and for its turn. It reports false when ctx ended
// first. Of what is there already it takes the first in this order, as a select does
// not: equal seeds must make equal stories. Either channel may be nil.
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

// pause waits after so many failures in a row. It reports false when ctx ended first.
func (t Turns) pause(ctx context.Context, failures int, about string) bool {
	wait := time.NewTimer(t.backoff(failures))
	defer wait.Stop()
	return t.await(ctx, nil, wait.C, "paused", about)
}
