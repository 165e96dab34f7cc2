package flow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// call sees one call to its result, and the result into a batch. It reports
// false when ctx ended first, and true also when the lease is lost: the row is
// another's from then on.
func (f *effects[S]) call(ctx context.Context, c effectCall) bool {
	p, ok := f.performers[c.Name]
	err := errors.New("nothing performs it")
	var effect any
	if ok {
		effect, err = p.decode(c.body)
	}
	if err != nil {
		// Written by another version of this service. The row, and the calls
		// of its key behind it, wait for one that knows it.
		f.e.Metrics.alarms.WithLabelValues(c.Name).Inc()
		f.e.Log.Error("call cannot be made by this version", "effect", c.Name, "key", c.Key, "id", c.ID, "error", err)
		return false
	}
	in := &Input{
		Kind: KindResult, Name: p.result, ID: c.ID, Key: c.Key, effectID: c.ID, epoch: c.epoch,
		Trace: Trace{CausationID: c.Causation, Traceparent: c.traceparent},
	}
	if in.Body, err = f.attempt(ctx, p, c, effect); in.Body == nil {
		return errors.Is(err, errLeaseLost)
	}
	return f.e.settle(f.calls, in)
}

// settle hands an input to the loop and waits for its commit.
func (e *Engine[S]) settle(ctx context.Context, in *Input) bool {
	_, err := e.tell(ctx, in)
	return err == nil
}

// errLeaseLost is returned when another instance has taken the call over.
var errLeaseLost = errors.New("another instance holds the lease")

// attempt repeats a call until it has a result or its budget is spent. It
// returns nil when ctx ended first, or with errLeaseLost.
func (f *effects[S]) attempt(ctx context.Context, p Performer, c effectCall, effect any) (any, error) {
	if p.policy.AtMostOnce && c.started {
		return p.giveUp(effect, true), nil // an earlier process may have made it; it is not repeated
	}
	unknown := c.recovered && !p.policy.AtMostOnce
	began := time.Now()
	delay := f.e.Turns.newDelay()
	for n := 1; ; n++ {
		if p.policy.AtMostOnce {
			if err := f.mark(c, true); err != nil {
				return nil, err
			}
		}
		result, err := f.once(ctx, p, Call{ID: c.ID, Key: c.Key, Attempt: n, Traceparent: c.traceparent}, effect)
		if err == nil {
			f.e.Metrics.attempts.WithLabelValues(c.Name, "answered").Inc()
			return result, nil
		}
		sure := errors.Is(err, ErrNotDone)
		if p.policy.AtMostOnce && sure {
			if err := f.mark(c, false); err != nil {
				return nil, err
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err() // stopping: the next start goes on from the row
		}
		unknown = unknown || !sure
		f.e.Metrics.attempts.WithLabelValues(c.Name, attemptOutcome(sure)).Inc()
		f.tell(c, p, n, sure, err)
		spent := p.policy.Attempts > 0 && n >= p.policy.Attempts || p.policy.Elapsed > 0 && time.Since(began) >= p.policy.Elapsed
		if spent || p.policy.AtMostOnce && unknown {
			return p.giveUp(effect, unknown), nil
		}
		if !f.e.Turns.pause(ctx, delay, c.ID) {
			return nil, ctx.Err()
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
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDone, ctx.Err())
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrNotDone, ctx.Err())
	}
	one, cancel := context.WithTimeout(f.calls, p.policy.Timeout)
	defer cancel()
	return p.perform(one, c, effect)
}

// mark commits that an at-most-once call may be made, before it is made; or
// that it certainly was not, so that a stop between two attempts does not leave
// it unknown. Whoever has lost the lease is refused, and so does not call:
//
//	A holds the lease, and pauses ─ B takes it, marks, sends ─ A goes on, and marks: refused
func (f *effects[S]) mark(c effectCall, started bool) error {
	in := &Input{ID: "mark/" + c.ID, Key: c.Key, effectID: c.ID, epoch: c.epoch}
	lost := false
	in.internal = func(w *work) {
		switch lost = w.fenced(in) || !w.effects[c.ID]; {
		case lost:
		case started:
			w.done.started = append(w.done.started, c.ID)
		default:
			w.done.notStarted = append(w.done.notStarted, c.ID)
		}
	}
	if _, err := f.e.tell(f.calls, in); err != nil {
		return err
	}
	if lost {
		return errLeaseLost
	}
	return nil
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
