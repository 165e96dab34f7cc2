package flow

import (
	"fmt"
	"strings"
)

// Outcome is what became of one input.
type Outcome string

const (
	Applied   Outcome = "applied"
	Ignored   Outcome = "ignored"   // not in this participant's table
	Duplicate Outcome = "duplicate" // handled before; nothing happened again
	NotOurs   Outcome = "not-ours"  // the partition was lost, or the offset was taken in before
	Stale     Outcome = "stale"     // a result or timer whose row is gone
	Parked    Outcome = "parked"    // could not be handled; its lane waits
	Waiting   Outcome = "waiting"   // parked behind another of its lane
	DeadNoKey Outcome = "dead"      // no key, so no lane: to the dead-letter topic at once
	Refused   Outcome = "refused"   // a command that was answered with an error
	Repeated  Outcome = "repeated"  // a command that was answered before
	Abandoned Outcome = "abandoned" // a command whose caller gave up; nothing happened
)

// handled is what is told about one input once its batch is committed.
type handled struct {
	in        *Input
	outcome   Outcome
	emitted   []string
	err       error
	inverted  bool
	overtaken bool // another has claimed the partition since
}

// fold runs the batch's inputs through their reactions, in memory, in the
// order in which they arrived. Nothing here waits.
func (e *Engine[S]) fold(w *work, unit Unit[S]) {
	for _, in := range w.inputs {
		if in.internal != nil {
			in.internal(w)
			continue
		}
		h := handled{in: in}
		e.foldOne(w, unit, &h)
		w.done.handled = append(w.done.handled, h)
	}
}

func (e *Engine[S]) foldOne(w *work, unit Unit[S], h *handled) {
	in := h.in
	if h.outcome = e.admit(w, h); h.outcome != "" {
		return
	}
	l := in.lane()
	rows := w.parked[l]
	if in.parkedN == 0 && in.command == nil && len(rows) > 0 {
		h.outcome = Waiting
		e.park(w, in, nil)
		return
	}
	h.err = in.unreadable
	if h.err == nil && in.Body != nil {
		h.emitted, h.err = e.apply(w, unit, in)
	}
	switch {
	case h.err == nil:
		h.outcome = Applied
		w.settle(in)
	case in.command != nil:
		h.outcome = Refused
	default:
		h.outcome = Parked
		e.park(w, in, h.err)
	}
}

// admit decides whether there is anything to do. It returns the outcome when
// there is not.
func (e *Engine[S]) admit(w *work, h *handled) Outcome {
	in := h.in
	switch {
	case in.parkedN > 0:
		// Only the head of a lane may be retried. Another retry may have
		// drained it between the reading of the row and this batch.
		rows := w.parked[in.lane()]
		if len(rows) == 0 || rows[0] != in.parkedN {
			return Stale
		}
		in.tried = w.tried[parkedID{in.lane(), in.parkedN}] // as it is by now, not when the row was read
	case in.Kind == KindEvent:
		return e.admitEvent(w, h)
	case in.Kind == KindResult:
		// Applied iff this transaction deletes the row: a result that comes
		// twice, or after a give-up, finds it gone.
		// The same for one whose lease is lost: its new holder makes the call
		// again, and only that result counts.
		if !w.effects[in.effectID] || w.fenced(in) {
			return Stale
		}
	case in.Kind == KindTimer:
		if due, running := w.timers[timerID{in.Key, in.Name}]; !running || due != in.due {
			return Stale
		}
	case !in.command.take():
		return Abandoned
	case in.command.key != "":
		if a, known := w.commands[in.command.key]; known {
			in.command.repeat(a)
			return Repeated
		}
	}
	return ""
}

func (e *Engine[S]) admitEvent(w *work, h *handled) Outcome {
	in := h.in
	if h.overtaken = w.overtaken(in.claim); h.overtaken || !w.advance(in) {
		return NotOurs
	}
	if in.Key == "" || !usable(in.Key) {
		h.err = fmt.Errorf("record has no usable key: %d bytes", len(in.Key))
		w.done.records = append(w.done.records, e.deadLetter(in, h.err))
		return DeadNoKey
	}
	if in.Body == nil && in.unreadable == nil {
		return Ignored
	}
	if _, known := w.inbox[in.ID]; known {
		return Duplicate
	}
	h.inverted = w.stream(in.Key).see(strings.TrimSuffix(in.record.Topic, ".events"), in.sequence)
	return ""
}

// overtaken reports whether another owner has claimed the partition since.
func (w *work) overtaken(c *Claim) bool {
	p := w.positions[c.key()]
	return p == nil || p.epoch != c.epoch
}

// advance moves the position past the record. It refuses one below the position,
// which was taken in before.
func (w *work) advance(in *Input) bool {
	p := w.positions[in.claim.key()]
	if in.record.Offset < p.next {
		return false
	}
	p.next = in.record.Offset + 1
	p.dirty = true
	return true
}

// settle notes that the input is handled.
func (w *work) settle(in *Input) {
	switch in.Kind {
	case KindEvent:
		w.setInbox(in.ID, "applied")
	case KindResult:
		w.finish(in.effectID)
	}
	if in.parkedN > 0 {
		l := in.lane()
		w.parked[l] = w.parked[l][1:]
		w.done.unparked = append(w.done.unparked, parkedID{l, in.parkedN})
	}
}

func (w *work) setInbox(id, status string) {
	w.inbox[id] = status
	w.done.inbox[id] = status
}

func (w *work) finish(effectID string) {
	delete(w.effects, effectID)
	w.done.finished = append(w.done.finished, effectID)
}
