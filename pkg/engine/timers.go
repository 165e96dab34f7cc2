package engine

import (
	"context"
	"strconv"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// timer is a row of the running timers: one per name and key.
type timer struct {
	id, key, name, body, causation, traceparent string

	due   int64 // microseconds since 1970
	shard int
}

// timerID names a timer.
func timerID(key, name string) string { return name + "/" + key }

var dueTimers = due(timers, ``, `t.due, t.id`)

// newTimers makes the follower that turns due timers into inputs. A timer may fire while
// a batch stops or moves it. Its input then finds the row gone, or due at another time,
// and nothing happens.
func newTimers[S any](e *Engine[S]) *follower[S, timer] {
	f := newFollower(e, "timers", dueTimers, maxInputs, func(t *timer) (id, key string, due int64) {
		return t.inputID(), t.key, t.due
	}, func(ctx context.Context, t timer, _ int64, end func()) {
		in := e.elapsed(t)
		in.committed = func(Outcome) { end() }
		e.enqueue(ctx, in)
	})
	return &f
}

// inputID contains the due time: a timer that is started again is another input.
func (t *timer) inputID() string { return "timer/" + t.id + "/" + strconv.FormatInt(t.due, 10) }

func (e *Engine[S]) elapsed(t timer) *input {
	in := &input{
		Input: flow.Input{Kind: flow.KindTimer, Name: t.name, Key: t.key, ID: t.inputID()},
		Trace: record.Trace{CausationID: t.causation, Traceparent: t.traceparent},
		due:   t.due,
	}
	e.readBody(in, []byte(t.body))
	return in
}
