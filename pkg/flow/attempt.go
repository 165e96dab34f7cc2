package flow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// attempt repeats a call until it has a result or its budget is spent. It
// returns nil when ctx ended first.
func (f *effects[S]) attempt(ctx context.Context, p Performer, c effectCall, effect any) any {
	if p.policy.AtMostOnce && c.started {
		return p.giveUp(effect, true) // an earlier process may have made it; it is not repeated
	}
	unknown := c.recovered && !p.policy.AtMostOnce
	began := time.Now()
	delay := newDelay()
	for n := 1; ; n++ {
		if p.policy.AtMostOnce && !f.mark(c, true) {
			return nil
		}
		result, err := f.once(ctx, p, Call{ID: c.ID, Key: c.Key, Attempt: n, Traceparent: c.traceparent}, effect)
		if err == nil {
			f.e.Metrics.attempts.WithLabelValues(c.Name, "answered").Inc()
			return result
		}
		sure := errors.Is(err, ErrNotDone)
		if p.policy.AtMostOnce && sure && !f.mark(c, false) {
			return nil
		}
		if ctx.Err() != nil {
			return nil // stopping: the next start goes on from the row
		}
		unknown = unknown || !sure
		f.e.Metrics.attempts.WithLabelValues(c.Name, attemptOutcome(sure)).Inc()
		f.tell(c, p, n, sure, err)
		spent := p.policy.Attempts > 0 && n >= p.policy.Attempts || p.policy.Elapsed > 0 && time.Since(began) >= p.policy.Elapsed
		if spent || p.policy.AtMostOnce && unknown {
			return p.giveUp(effect, unknown)
		}
		if !pause(ctx, delay) {
			return nil
		}
	}
}

// once makes one attempt. A performer that panics may have done anything
// before.
func (f *effects[S]) once(ctx context.Context, p Performer, c Call, effect any) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("performer of %s panicked: %v", c.ID, r)
		}
	}()
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	one, cancel := context.WithTimeout(f.calls, p.policy.Timeout)
	defer cancel()
	return p.perform(one, c, effect)
}

// mark commits that an at-most-once call may be made, before it is made; or
// that it certainly was not, so that a stop between two attempts does not leave
// it unknown.
func (f *effects[S]) mark(c effectCall, started bool) bool {
	return f.e.settle(f.calls, &Input{internal: func(w *work) {
		if started {
			w.done.started = append(w.done.started, c.ID)
		} else {
			w.done.notStarted = append(w.done.notStarted, c.ID)
		}
	}})
}

func (f *effects[S]) tell(c effectCall, p Performer, n int, sure bool, err error) {
	args := []any{"effect", c.Name, "key", c.Key, "id", c.ID, "attempt", n, "outcome", attemptOutcome(sure), "error", err}
	if p.policy.Attempts == 0 && n%alarmEvery == 0 {
		f.e.Metrics.alarms.WithLabelValues(c.Name).Inc()
		f.e.Log.Error("call that must succeed keeps failing", args...)
		return
	}
	f.e.Log.Warn("call failed", args...)
}

// alarmEvery is how many failed attempts of a call without a budget make one
// alarm.
const alarmEvery = 5

func attemptOutcome(sure bool) string {
	if sure {
		return "no effect"
	}
	return "unknown"
}
