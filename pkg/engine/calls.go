package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// call is a row of the open calls: a reaction asked for it, and it has no result yet.
type call struct {
	id, key, name, body, causation, traceparent string

	n        int64 // its place among the calls of its key
	shard    int
	due      int64 // when the next attempt is; microseconds since 1970
	began    int64 // when the first was; 0: there was none
	attempts int
	started  int   // 1: an attempt may have had an effect
	epoch    int64 // of the lease under which this process makes it
}

// concurrentCalls bounds the attempts in flight. Attempts wait for other systems, not
// for this machine, so they may far outnumber its cores. A call that waits for its
// next attempt is a row, and nothing else.
const concurrentCalls = 256

// calls makes the external calls: after the commit that asked for them,
// concurrently across keys, in order per key. Each attempt ends in a batch: with
// its result, or with the time of the next one.
//
// Another process may have made a call whose row existed when this process took the
// lease. Such a row is marked: by leases.adopt, or by start if the call is made at most
// once. No other process has made a call whose row came later.
type calls[S any] struct {
	follower[S, call]
	callHandlers map[string]flow.CallHandler
	attempts     context.Context // outlives the follower a little, so that an attempt in flight can end well
}

var dueCalls = due(openCalls, `AND NOT EXISTS (SELECT 1 FROM effects h WHERE h.key = t.key AND h.n < t.n)`, `t.due, t.n`)

func newCalls[S any](e *Engine[S], ps []flow.CallHandler) (*calls[S], error) {
	c := &calls[S]{callHandlers: map[string]flow.CallHandler{}}
	c.follower = newFollower(e, "calls", dueCalls, concurrentCalls, func(row *call) (id, key string, due int64) {
		return row.id, row.key, row.due
	}, func(ctx context.Context, row call, epoch int64, end func()) {
		row.epoch = epoch
		c.workers.Go(func() {
			c.e.Turns.next("call", row.key)
			c.attempt(ctx, row)
			end()
		})
	})
	service := e.Participant.Service
	for _, p := range ps {
		if r, ok := e.table[p.Result]; !ok || r.CallName() != p.Call {
			return nil, fmt.Errorf("participant %s does not react to %s as the result of %s", service, p.Result, p.Call)
		}
		if p.GiveUp == nil && (p.Policy.Attempts > 0 || p.Policy.MaxElapsed > 0 || p.Policy.AtMostOnce) {
			return nil, fmt.Errorf("participant %s bounds its attempts of %s, and has no result for when they are spent", service, p.Call)
		}
		c.callHandlers[p.Call] = p
	}
	for _, row := range e.Participant.Rows() {
		for _, call := range row.Calls {
			if _, ok := c.callHandlers[call]; !ok {
				return nil, fmt.Errorf("participant %s calls %s, which has no handler", service, call)
			}
		}
	}
	return c, nil
}

// repeatable returns the names of the calls that may be made more than once.
func (c *calls[S]) repeatable() (names []string) {
	for name, p := range c.callHandlers {
		if !p.Policy.AtMostOnce {
			names = append(names, name)
		}
	}
	return names
}

// attempt makes one attempt at a call, and commits its outcome in a batch. If the
// engine stops, or the lease is lost, attempt leaves the row as it is.
func (c *calls[S]) attempt(ctx context.Context, row call) {
	p, ok := c.callHandlers[row.name]
	err := errors.New("it has no handler")
	var body any
	if ok {
		err = guard(row.name, func() (err error) {
			body, err = p.Decode([]byte(row.body))
			return err
		})
	}
	if err != nil {
		c.leave(row, row.started == 1, err)
		return
	}
	if p.Policy.Attempts > 0 && row.attempts >= p.Policy.Attempts { // it could not be given up before
		c.giveUp(row, p, body, row.started == 1)
		return
	}
	if p.Policy.AtMostOnce {
		if row.started == 1 {
			c.giveUp(row, p, body, true) // an earlier process may have made it; it is not repeated
			return
		}
		if ctx.Err() != nil || !c.start(row) {
			return
		}
		// The mark is committed. The call is made even if the follower stops, since a
		// process that reads the mark does not make the call.
	} else if ctx.Err() != nil {
		return
	}
	row.attempts++
	if row.began == 0 {
		row.began = time.Now().UnixMicro()
	}
	result, err := c.once(p, flow.Call{ID: row.id, Key: row.key, Attempt: row.attempts, Traceparent: row.traceparent}, body)
	if err == nil {
		c.e.Metrics.attempts.WithLabelValues(row.name, "answered").Inc()
		c.result(row, p, result)
		return
	}
	sure := errors.Is(err, flow.ErrNoEffect)
	c.e.Metrics.attempts.WithLabelValues(row.name, attemptOutcome(sure)).Inc()
	c.report(row, p, sure, err)
	unknown := row.started == 1 || !sure
	spent := p.Policy.Attempts > 0 && row.attempts >= p.Policy.Attempts ||
		p.Policy.MaxElapsed > 0 && time.Since(time.UnixMicro(row.began)) >= p.Policy.MaxElapsed
	if spent || p.Policy.AtMostOnce && unknown {
		c.giveUp(row, p, body, unknown)
		return
	}
	c.again(row, unknown, c.e.Turns.backoff(row.attempts))
}

// once makes one attempt. Before a panic, a handler may have had any effect.
func (c *calls[S]) once(p flow.CallHandler, call flow.Call, body any) (result any, err error) {
	ctx, cancel := context.WithTimeout(c.attempts, p.Policy.Timeout)
	defer cancel()
	err = guard(p.Call, func() (err error) {
		result, err = p.Do(ctx, call, body)
		return err
	})
	return result, err
}

// giveUp ends a call, whose budget is spent, with its handler's result for that case.
func (c *calls[S]) giveUp(row call, p flow.CallHandler, body any, unknown bool) {
	var result any
	if err := guard(row.name, func() error { result = p.GiveUp(body, unknown); return nil }); err != nil {
		c.leave(row, unknown, err)
		return
	}
	c.result(row, p, result)
}

// leaveFor is how long a call waits if this version of the service cannot make it.
const leaveFor = time.Minute

// leave leaves a call to a version of the service that can make it, or give it up.
// The calls of its key wait behind it.
func (c *calls[S]) leave(row call, unknown bool, err error) {
	c.e.Metrics.alarms.WithLabelValues(row.name).Inc()
	c.e.Log.Error("make call: this version cannot", "call", row.name, "key", row.key, "id", row.id, "error", err)
	c.again(row, unknown, leaveFor)
}

// guard runs a function of a handler, and returns a panic as an error.
func guard(call string, run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("handler of %s panicked: %v", call, r)
		}
	}()
	return run()
}

// result hands a call's result to the loop and waits for its commit.
func (c *calls[S]) result(row call, p flow.CallHandler, body any) {
	in := row.input("result/")
	in.Kind, in.Name, in.ID, in.Body = flow.KindResult, p.Result, row.id, body
	_, _ = c.e.submit(c.attempts, in) // the error is a stop: the row stays, for the next start
}

// start commits that an at-most-once call may be made, before it is made. A process
// that has lost the lease is fenced, and so does not make the call:
//
//	A holds the lease, and pauses ─ B takes it, marks, sends ─ A resumes, and marks: fenced
func (c *calls[S]) start(row call) (started bool) {
	in := row.input("start/")
	in.control = func(b *batch) {
		if started = b.calls[row.id] && !b.lostLease(in); started {
			b.out.started = append(b.out.started, row.id)
		}
	}
	_, err := c.e.submit(c.attempts, in)
	return err == nil && started
}

// again commits the time of the next attempt, and whether one may have had an effect.
func (c *calls[S]) again(row call, unknown bool, after time.Duration) {
	row.due, row.started = time.Now().Add(after).UnixMicro(), 0
	if unknown {
		row.started = 1
	}
	in := row.input("again/")
	in.control = func(b *batch) {
		if b.calls[row.id] && !b.lostLease(in) {
			b.out.retries = append(b.out.retries, row)
		}
	}
	_, _ = c.e.submit(c.attempts, in) // the error is a stop: the row stays, for the next start
}

// input returns a step for the call, under its lease's epoch.
func (row call) input(step string) *input {
	return &input{
		Input:  flow.Input{ID: step + row.id, Key: row.key},
		Trace:  record.Trace{CausationID: row.causation, Traceparent: row.traceparent},
		callID: row.id, epoch: row.epoch,
	}
}

func (c *calls[S]) report(row call, p flow.CallHandler, sure bool, err error) {
	args := []any{"call", row.name, "key", row.key, "id", row.id, "attempt", row.attempts, "outcome", attemptOutcome(sure), "error", err}
	if p.Policy.Attempts == 0 && row.attempts%alarmEvery == 0 {
		c.e.Metrics.alarms.WithLabelValues(row.name).Inc()
		c.e.Log.Error("call that must succeed keeps failing", args...)
		return
	}
	c.e.Log.Warn("call failed", args...)
}

// alarmEvery is how many failed attempts raise an alarm, if attempts are not bounded.
const alarmEvery = 5

func attemptOutcome(sure bool) string {
	if sure {
		return "no effect"
	}
	return "unknown"
}
