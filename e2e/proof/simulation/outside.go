package simulation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// outside is the world that the till calls, and its witness. It does each request,
// whichever process asks, and records the effects.
type outside struct {
	w        *world
	captured map[string]int    // times, by the charge's key
	refunded map[string]int    //
	voided   map[string]bool   // tombstones
	receipts map[string]int    // by order
	stamps   map[string]string // by order, in the order in which they came first
	declines map[string]bool   // orders whose card is declined
	made     map[string]string // the process that first made a call, by its id
	late     []late            // requests that are still in flight
}

// late is a request in flight that its sender does not wait for any more.
type late struct {
	what, key string
	arrive    func()
}

func (o *outside) charge(order, key string) string {
	switch {
	case o.voided[key]:
		o.w.seen("a late charge was refused by its tombstone")
		return "given up"
	case o.declines[order]:
		return "declined"
	case o.captured[key] == 0:
		o.captured[key] = 1
	}
	return "approved"
}

func (o *outside) void(key string) {
	if o.captured[key] > o.refunded[key] {
		o.refunded[key]++
		o.w.seen("a charge that nobody had heard of was refunded")
	}
	o.voided[key] = true
}

// stamp is put once, whichever process asks.
func (o *outside) stamp(order string, n int) {
	if mark := strconv.Itoa(n) + " "; !strings.Contains(o.stamps[order], mark) {
		o.stamps[order] += mark
	}
}

// callHandlers make the till's calls.
func (p *process) callHandlers() []flow.CallHandler {
	twice := flow.Policy{Timeout: 2 * time.Second, Attempts: 2}
	return []flow.CallHandler{
		flow.HandleCall(twice, func(ctx context.Context, call flow.Call, c charge) (charged, error) {
			var answer string
			err := p.call(ctx, call, "charge", c.ChargeID, func() { answer = p.w.outside.charge(call.Key, c.ChargeID) })
			return charged{Outcome: answer}, err
		}, func(_ charge, unknown bool) charged {
			if unknown {
				return charged{Outcome: "unknown"}
			}
			return charged{Outcome: "given up"}
		}),
		flow.HandleCall(flow.Policy{Timeout: 2 * time.Second}, func(ctx context.Context, call flow.Call, v void) (voided, error) {
			return voided{}, p.call(ctx, call, "void", v.ChargeID, func() { p.w.outside.void(v.ChargeID) })
		}, nil),
		flow.HandleCall(flow.Policy{Timeout: 2 * time.Second}, func(ctx context.Context, call flow.Call, s stamp) (stamped, error) {
			return stamped(s), p.call(ctx, call, fmt.Sprint("stamp ", s.N), call.Key, func() { p.w.outside.stamp(call.Key, s.N) })
		}, nil),
		flow.HandleCall(flow.Policy{Timeout: 2 * time.Second, Attempts: 2, AtMostOnce: true}, func(ctx context.Context, call flow.Call, _ receipt) (sent, error) {
			return sent{Outcome: "sent"}, p.call(ctx, call, "receipt", call.Key, func() { p.w.outside.receipts[call.Key]++ })
		}, func(_ receipt, unknown bool) sent {
			if unknown {
				return sent{Outcome: "unknown"}
			}
			return sent{Outcome: "given up"}
		}),
	}
}

var errNoAnswer = errors.New("no answer")

// call is one attempt in flight. It may not leave, take effect without an answer, be
// slow, or arrive after its caller has stopped waiting.
func (p *process) call(ctx context.Context, of flow.Call, what, key string, act func()) error {
	w := p.w
	if p.gone() {
		return errGone
	}
	if err := w.wait(p, what, key); err != nil {
		if w.chance(3) { // it had left when its process was killed
			w.outside.late = append(w.outside.late, late{what, key, act})
		}
		return err
	}
	if first := w.outside.made[of.ID]; first == "" {
		w.outside.made[of.ID] = p.name
	} else if first != p.name {
		w.seen("a call was made by a second process")
		w.judge.madeAgain(p, first, of)
	}
	if !ofOrder(begun(of.Traceparent), of.Key) {
		w.violate("the call of %s %s has the trace %q", what, of.Key, of.Traceparent)
	}
	switch w.way(w.faults.call) {
	case 0:
		return errors.Join(flow.ErrNoEffect, errNoAnswer)
	case 1:
		act()
		w.seen("an answer of the outside world was lost")
		return errNoAnswer
	case 2:
		w.outside.late = append(w.outside.late, late{what, key, act})
		return errNoAnswer
	case 3: // slow, perhaps for too long
		wait := time.NewTimer(time.Duration(300+1100*w.IntN(3)) * time.Millisecond)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			if err := w.wait(p, what+" times out", key); err != nil {
				return err
			}
			w.outside.late = append(w.outside.late, late{what, key, act})
			return ctx.Err()
		}
		if err := w.wait(p, what+" slowly", key); err != nil {
			return err
		}
	}
	if p.frozenOnce {
		w.seen("a process that had been frozen called the outside world")
	}
	act()
	return nil
}
