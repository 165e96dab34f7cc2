package engine

import (
	"fmt"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// Outcome is the result of handling one input.
type Outcome string

const (
	Applied      Outcome = "applied"
	Ignored      Outcome = "ignored"       // not in this participant's table
	Duplicate    Outcome = "duplicate"     // handled before; nothing happened again
	Fenced       Outcome = "fenced"        // the partition was lost, or the offset was consumed before
	Superseded   Outcome = "superseded"    // a result or timer whose row is gone, or whose lease is lost
	Parked       Outcome = "parked"        // could not be handled; its lane waits
	Waiting      Outcome = "waiting"       // parked behind another of its lane, or until the registry explains it
	DeadLettered Outcome = "dead_lettered" // no key, so no lane: to the dead-letter topic at once
	Rejected     Outcome = "rejected"      // a command that was answered with an error
	Replayed     Outcome = "replayed"      // a command that was answered before
	Expired      Outcome = "expired"       // a command whose caller gave up; nothing happened
)

// result is the outcome of one input. The engine reports it after the commit.
type result struct {
	in         *input
	outcome    Outcome
	emitted    []string
	err        error
	outOfOrder bool
}

// fold runs the batch's inputs through their reactions, in memory, in the
// order in which they arrived. It waits for nothing.
func (e *Engine[S]) fold(b *batch, states flow.BatchState[S]) {
	for _, in := range b.inputs {
		if in.control != nil {
			in.control(b)
			continue
		}
		h := result{in: in}
		e.foldOne(b, states, &h)
		b.out.results = append(b.out.results, h)
	}
}

func (e *Engine[S]) foldOne(b *batch, states flow.BatchState[S], h *result) {
	in := h.in
	if h.outcome = e.check(b, h); h.outcome != "" {
		return
	}
	if _, waits := b.heads[in.lane()]; waits && in.parkedN == 0 && in.command == nil {
		h.outcome = Waiting
		e.park(b, in, nil)
		return
	}
	switch h.err = in.unreadable; {
	case h.err == nil && in.unexplained != nil:
		h.outcome, h.err = Waiting, in.unexplained
		e.park(b, in, nil)
		return
	case h.err == nil && in.Body != nil:
		h.emitted, h.err = e.apply(b, states, in)
	}
	switch {
	case h.err == nil:
		h.outcome = Applied
		b.markHandled(in)
	case in.command != nil:
		h.outcome = Rejected
	default:
		h.outcome = Parked
		e.park(b, in, h.err)
	}
}

// check decides whether the input is to be applied. If not, it returns the outcome.
func (e *Engine[S]) check(b *batch, h *result) Outcome {
	in := h.in
	switch {
	case in.parkedN > 0:
		// Only the head of a lane may be retried, or the row behind one that this
		// batch handled. After this row was read and before this batch, another
		// retry may have drained the lane.
		head, waits := b.heads[in.lane()]
		switch {
		case !waits || head.n != 0 && head.n != in.parkedN || head.n == 0 && head.after != in.after:
			return Superseded
		case head.n != 0:
			in.attempts, in.dead = head.attempts, head.dead // as they are by now, not when the row was read
		}
	case in.Kind == flow.KindEvent:
		return e.checkEvent(b, h)
	case in.Kind == flow.KindResult:
		// A result is applied iff this transaction deletes the row. A result that
		// arrives twice, or after a give-up, finds no row. A result under a lost
		// lease is superseded too: the new holder makes the call again, or gives
		// it up, and only that result counts.
		if !b.calls[in.callID] || b.lostLease(in) {
			return Superseded
		}
	case in.Kind == flow.KindTimer:
		if due, running := b.timers[timerID(in.Key, in.Name)]; !running || due != in.due {
			return Superseded
		}
	case !in.command.take():
		return Expired
	case in.command.key != "":
		if r, known := b.replies[in.command.key]; known {
			in.command.repeat(r)
			return Replayed
		}
	}
	return ""
}

func (e *Engine[S]) checkEvent(b *batch, h *result) Outcome {
	in := h.in
	if b.fenced(in.assignment) || !b.advance(in.assignment, in.record.Offset) {
		return Fenced
	}
	if in.Key == "" || !record.ValidID(in.Key) {
		h.err = fmt.Errorf("record has no usable key: %d bytes", len(in.Key))
		e.deadLetter(b, in, h.err)
		return DeadLettered
	}
	if in.ignored() {
		return Ignored
	}
	if before, known := b.inbox[in.ID]; known {
		if !record.SameContent(before.digest, in.digest) {
			h.err = fmt.Errorf("another event had this source and id: %q", in.ID)
			e.deadLetter(b, in, h.err)
		}
		return Duplicate
	}
	if before, known := b.inbox[in.eventID]; known && before.digest == "" && in.eventID != in.ID {
		// This event may be a copy or a new one. A dead letter keeps it for the operator.
		h.err = fmt.Errorf("the version before took in an event of this id, and kept no source: %q", in.eventID)
		e.deadLetter(b, in, h.err)
		return Duplicate
	}
	h.outOfOrder = b.key(in.Key).see(strings.TrimSuffix(in.record.Topic, ".events"), in.sequence)
	return ""
}

// fenced reports whether the partition has been assigned again since. If so, it closes
// the channel that [Assignment.Fenced] returns. If the later assignment is in this very
// batch, and the batch is rolled back, the partition is assigned once more than needed.
func (b *batch) fenced(a *Assignment) bool {
	p := b.positions[a.key()]
	if p != nil && p.generation == a.generation {
		return false
	}
	a.fence()
	return true
}

// advance moves the position past an offset. It refuses an offset below the position:
// its record was consumed before.
func (b *batch) advance(a *Assignment, offset int64) bool {
	p := b.positions[a.key()]
	if offset < p.next {
		return false
	}
	p.next = offset + 1
	p.dirty = true
	return true
}

// markHandled records that the input is handled.
func (b *batch) markHandled(in *input) {
	switch in.Kind {
	case flow.KindEvent:
		b.setInbox(in, "applied")
	case flow.KindResult:
		b.finish(in.callID)
	}
	if in.parkedN > 0 {
		l := in.lane()
		b.heads[l] = parkedHead{after: in.parkedN}
		b.out.unparked = append(b.out.unparked, parkedID{l, in.parkedN})
	}
}

func (b *batch) setInbox(in *input, status string) {
	row := &inboxRow{in.ID, status, in.digest}
	b.inbox[in.ID] = row
	b.out.inbox[in.ID] = row
}

func (b *batch) finish(callID string) {
	delete(b.calls, callID)
	b.out.finished = append(b.out.finished, callID)
}
