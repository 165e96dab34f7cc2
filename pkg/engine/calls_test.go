package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

func ring(perform func(context.Context, flow.Call, Ring) (Rung, error)) flow.CallHandler {
	return ringWith(flow.Policy{Timeout: 5 * time.Second, Attempts: 3}, perform)
}

func ringWith(policy flow.Policy, perform func(context.Context, flow.Call, Ring) (Rung, error)) flow.CallHandler {
	return flow.HandleCall(policy, perform, func(r Ring, unknown bool) Rung { return Rung{Bell: r.Bell, GivenUp: true, Unknown: unknown} })
}

var (
	errNotSent = fmt.Errorf("refused: %w", flow.ErrNoEffect)
	errTimeout = errors.New("no answer")
)

func TestACallEndsAsItsAttemptsTell(t *testing.T) {
	for name, c := range map[string]struct {
		attempts []error
		want     string
	}{
		"answered at once":             {[]error{nil}, "1 rung1"},
		"answered after failures":      {[]error{errTimeout, errNotSent, nil}, "1 rung1"},
		"certainly never done":         {[]error{errNotSent, errNotSent, errNotSent}, "1 rung1:gaveup:false"},
		"perhaps done the first time":  {[]error{errTimeout, errNotSent, errNotSent}, "1 rung1:gaveup:true"},
		"perhaps done the second time": {[]error{errNotSent, errTimeout, errNotSent}, "1 rung1:gaveup:true"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var mu sync.Mutex
			ids := map[string]bool{}
			n := 0
			w.callHandlers = []flow.CallHandler{ring(func(_ context.Context, call flow.Call, r Ring) (Rung, error) {
				mu.Lock()
				defer mu.Unlock()
				ids[call.ID] = true
				n++
				return Rung{Bell: r.Bell}, c.attempts[n-1]
			})}
			p := w.start()
			p.add("k", 1, "ring")
			eventually(t, "the call ends", func() bool { return w.trail("k") == c.want })
			mu.Lock()
			defer mu.Unlock()
			equal(t, "attempts", n, len(c.attempts))
			equal(t, "ids", len(ids), 1)
			equal(t, "rows", w.count("effects"), "0")
			_ = p
		})
	}
}

func TestPanickingCallLeavesOutcomeUnknown(t *testing.T) {
	w := newWorld(t)
	w.callHandlers = []flow.CallHandler{ring(func(context.Context, flow.Call, Ring) (Rung, error) { panic("in the client") })}
	p := w.start()
	p.add("k", 1, "ring")
	eventually(t, "it is given up as unknown", func() bool { return w.trail("k") == "1 rung1:gaveup:true" })
}

// A handler's other functions run in the same process as everything else.
func TestPanicOutsideAnAttemptLeavesTheCall(t *testing.T) {
	works := func(_ context.Context, _ flow.Call, r Ring) (Rung, error) { return Rung{Bell: r.Bell}, nil }
	fails := func(context.Context, flow.Call, Ring) (Rung, error) { return Rung{}, errTimeout }
	for name, c := range map[string]struct {
		perform func(context.Context, flow.Call, Ring) (Rung, error)
		spoil   func(*flow.CallHandler)
		mended  string
	}{
		"decode":  {works, func(p *flow.CallHandler) { p.Decode = func([]byte) (any, error) { panic("in Decode") } }, "1 rung1"},
		"give up": {fails, func(p *flow.CallHandler) { p.GiveUp = func(any, bool) any { panic("in GiveUp") } }, "1 rung1:gaveup:true"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var calls atomic.Int32
			perform := func(ctx context.Context, call flow.Call, r Ring) (Rung, error) {
				calls.Add(1)
				return c.perform(ctx, call, r)
			}
			once := flow.Policy{Timeout: time.Second, Attempts: 1}
			broken := ringWith(once, perform)
			c.spoil(&broken)
			w.callHandlers = []flow.CallHandler{broken}
			p := w.start()
			p.add("k", 1, "ring")
			eventually(t, "it alarms", func() bool { return p.lines.count("make call: this version cannot") == 1 })
			p.add("other", 1, "")
			eventually(t, "the process goes on", func() bool { return w.trail("other") == "1" })
			p.stop()
			w.exec(`UPDATE effects SET due = 0`)
			w.callHandlers = []flow.CallHandler{ringWith(once, perform)}
			w.start()
			eventually(t, "the mended version ends it", func() bool { return w.trail("k") == c.mended })
			equal(t, "calls", calls.Load(), int32(1))
		})
	}
}

func TestACallFoundAfterARestartMayHaveBeenMade(t *testing.T) {
	w := newWorld(t)
	w.callHandlers = []flow.CallHandler{ringWith(flow.Policy{Timeout: time.Second}, func(context.Context, flow.Call, Ring) (Rung, error) { return Rung{}, errNotSent })}
	p := w.startStopping(20 * time.Millisecond)
	p.add("k", 1, "ring")
	eventually(t, "an attempt fails", func() bool { return p.metric("quintet_call_attempts_total") > 0 })
	p.kill()
	w.callHandlers = []flow.CallHandler{ring(func(context.Context, flow.Call, Ring) (Rung, error) { return Rung{}, errNotSent })}
	w.start()
	eventually(t, "it is given up as unknown", func() bool { return w.trail("k") == "1 rung1:gaveup:true" })
}

func TestACallAtMostOnceIsNotRepeatedAfterACrash(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int32
	atMostOnce := flow.Policy{Timeout: time.Minute, AtMostOnce: true}
	began := make(chan struct{})
	w.callHandlers = []flow.CallHandler{ringWith(atMostOnce, func(ctx context.Context, _ flow.Call, _ Ring) (Rung, error) {
		calls.Add(1)
		equal(t, "started when the call is made", w.one(`SELECT started FROM effects`), "1")
		close(began)
		<-ctx.Done()
		return Rung{}, ctx.Err()
	})}
	p := w.startStopping(20 * time.Millisecond)
	p.add("k", 1, "ring")
	<-began
	p.kill()
	w.callHandlers = []flow.CallHandler{ringWith(atMostOnce, func(context.Context, flow.Call, Ring) (Rung, error) { calls.Add(1); return Rung{}, nil })}
	w.start()
	eventually(t, "it is given up as unknown", func() bool { return w.trail("k") == "1 rung1:gaveup:true" })
	equal(t, "calls", calls.Load(), int32(1))
}

// A process that finds a mark does not make the call, so the one that set it must.
func TestMarkedCallIsMadeThoughTheServiceStops(t *testing.T) {
	w := newWorld(t)
	w.openLog = func() (engine.Producer, error) { return silent{make(chan engine.Ack)}, nil } // so that no deletion commits
	var calls, commits atomic.Int32
	w.callHandlers = []flow.CallHandler{ringWith(flow.Policy{Timeout: time.Second, AtMostOnce: true}, func(_ context.Context, _ flow.Call, r Ring) (Rung, error) {
		calls.Add(1)
		return Rung{Bell: r.Bell}, nil
	})}
	p := w.startStopping(time.Second)
	marking, stopped := make(chan struct{}), make(chan struct{})
	p.db.SetFaults(store.Faults{BeforeCommit: func() error {
		if commits.Add(1) == 2 { // the event's is the first
			close(marking)
			<-stopped
		}
		return nil
	}})
	p.add("k", 1, "ring")
	<-marking
	p.cancel()
	close(stopped)
	<-p.ended
	equal(t, "calls", calls.Load(), int32(1))
	equal(t, "trail", w.trail("k"), "1 rung1")
}

func TestAtMostOnceCallIsRetriedOnlyIfNotDone(t *testing.T) {
	for name, c := range map[string]struct {
		errs  []error
		want  string
		calls int32
	}{
		"deferred, then done": {[]error{errNotSent, nil}, "1 rung1", 2},
		"no answer":           {[]error{errTimeout, nil}, "1 rung1:gaveup:true", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var calls atomic.Int32
			w.callHandlers = []flow.CallHandler{ringWith(flow.Policy{Timeout: time.Second, AtMostOnce: true}, func(_ context.Context, _ flow.Call, r Ring) (Rung, error) {
				return Rung{Bell: r.Bell}, c.errs[calls.Add(1)-1]
			})}
			p := w.start()
			p.add("k", 1, "ring")
			eventually(t, "the call ends", func() bool { return w.trail("k") == c.want })
			equal(t, "calls", calls.Load(), c.calls)
		})
	}
}

func TestDeferredAtMostOnceCallSurvivesARestart(t *testing.T) {
	w := newWorld(t)
	atMostOnce := flow.Policy{Timeout: time.Minute, AtMostOnce: true}
	var calls atomic.Int32
	w.callHandlers = []flow.CallHandler{ringWith(atMostOnce, func(context.Context, flow.Call, Ring) (Rung, error) {
		calls.Add(1)
		return Rung{}, errNotSent
	})}
	p := w.start()
	p.add("k", 1, "ring")
	eventually(t, "it waits for its next attempt", func() bool {
		return calls.Load() > 0 && w.one(`SELECT started FROM effects`) == "0"
	})
	p.stop()
	w.callHandlers = []flow.CallHandler{ringWith(atMostOnce, func(_ context.Context, _ flow.Call, r Ring) (Rung, error) { return Rung{Bell: r.Bell}, nil })}
	w.start()
	eventually(t, "it is made", func() bool { return w.trail("k") == "1 rung1" })
}

func TestCallsAreSerialPerKeyParallelAcrossKeys(t *testing.T) {
	w := newWorld(t)
	const keys = 20
	all := make(chan struct{})
	var under, order atomic.Int32
	w.callHandlers = []flow.CallHandler{ring(func(ctx context.Context, c flow.Call, r Ring) (Rung, error) {
		if r.Bell == 0 && under.Add(1) == keys {
			close(all) // the first call of every key is under way at once
		}
		select {
		case <-all:
			order.Add(1)
			return Rung{Bell: r.Bell}, nil
		case <-ctx.Done():
			return Rung{}, ctx.Err()
		}
	})}
	p := w.start()
	for i := range int64(3) {
		for k := range keys {
			p.add(fmt.Sprintf("k%d", k), i, "ring")
		}
	}
	eventually(t, "every call is answered", func() bool { return w.count("effects") == "0" && order.Load() == 3*keys })
	p.taken()
	for k := range keys {
		var rung []string
		for _, step := range strings.Fields(w.trail(fmt.Sprintf("k%d", k))) {
			if strings.HasPrefix(step, "rung") {
				rung = append(rung, step)
			}
		}
		equal(t, "order", strings.Join(rung, " "), "rung0 rung1 rung2")
	}
}

func TestACallWithoutABoundGoesOnAndAlarms(t *testing.T) {
	w := newWorld(t)
	var up atomic.Bool
	w.callHandlers = []flow.CallHandler{flow.HandleCall(flow.Policy{Timeout: time.Second}, func(_ context.Context, _ flow.Call, r Ring) (Rung, error) {
		if !up.Load() {
			return Rung{}, errTimeout
		}
		return Rung{Bell: r.Bell}, nil
	}, nil)}
	p := w.start()
	p.add("k", 1, "ring")
	eventually(t, "it alarms", func() bool { return p.metric("quintet_call_alarms_total") > 0 && p.lines.count("keeps failing") > 0 })
	up.Store(true)
	eventually(t, "it is answered", func() bool { return w.trail("k") == "1 rung1" })
}

func TestUnknownCommitMakesEachCallOnce(t *testing.T) {
	for name, faults := range unknownOutcomes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var calls atomic.Int32
			w.callHandlers = []flow.CallHandler{ring(func(_ context.Context, _ flow.Call, r Ring) (Rung, error) {
				calls.Add(1)
				return Rung{Bell: r.Bell}, nil
			})}
			p := w.start()
			w.db.SetFaults(faults())
			p.add("k", 1, "ring")
			p.taken()
			eventually(t, "the call is answered", func() bool { return w.trail("k") == "1 rung1" })
			w.db.SetFaults(faults()) // may meet the result of the next
			p.add("k", 2, "ring")
			eventually(t, "both are answered", func() bool { return w.trail("k") == "1 rung1 2 rung2" })
			equal(t, "calls", calls.Load(), int32(2))
		})
	}
}

// The time of a call runs from its first attempt, over all attempts and restarts.
func TestACallIsGivenUpWhenItsTimeIsSpent(t *testing.T) {
	w := newWorld(t)
	policy := flow.Policy{Timeout: time.Second, MaxElapsed: 300 * time.Millisecond}
	w.callHandlers = []flow.CallHandler{ringWith(policy, func(context.Context, flow.Call, Ring) (Rung, error) { return Rung{}, errNotSent })}
	p := w.start()
	p.add("k", 1, "ring")
	eventually(t, "it is given up", func() bool { return w.trail("k") == "1 rung1:gaveup:false" })
	equal(t, "more than one attempt was made", p.metric("quintet_call_attempts_total") > 1, true)
}

func TestBoundedCallPolicyNeedsAGiveUpResult(t *testing.T) {
	w := newWorld(t)
	for _, policy := range []flow.Policy{{Attempts: 1}, {MaxElapsed: 1}, {AtMostOnce: true}} {
		_, err := engine.New(engine.Config[Tally]{Participant: participant(w.broken.Load), DB: w.db, Metrics: engine.NewMetrics(prometheus.NewRegistry()),
			CallHandlers: []flow.CallHandler{flow.HandleCall[Ring, Rung](policy, nil, nil)}})
		if err == nil || !strings.Contains(err.Error(), "no result for when they are spent") {
			t.Errorf("policy %+v: got %v", policy, err)
		}
	}
}

func TestUnknownCallIsKeptAndAlarmed(t *testing.T) {
	w := newWorld(t)
	p := w.start() // nobody performs anything
	p.add("k", 1, "ring")
	p.taken()
	p.stop()
	w.exec(`UPDATE effects SET name = 'Whistle'`)
	w.callHandlers = []flow.CallHandler{ring(func(_ context.Context, _ flow.Call, r Ring) (Rung, error) { return Rung{Bell: r.Bell}, nil })}
	p = w.start()
	eventually(t, "it alarms", func() bool { return p.lines.count("make call: this version cannot") == 1 })
	p.add("k", 2, "")
	p.taken()
	equal(t, "rows", w.count("effects"), "1")
}
