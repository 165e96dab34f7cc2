package simulation

import (
	"fmt"
	"strings"
	"time"
)

// A burst is more than one batch holds: of records, each about a key of its own, or of
// bytes. It is appended at once, and arrives while the loop waits.

const (
	maxInputs  = 500     // of a batch, as in pkg/engine
	maxBytes   = 4 << 20 //
	crowd      = maxInputs + 60
	heavy      = 250 << 10 // bytes; a record may have a little more
	heavyOrder = "heavy"
)

// prepareBurst draws whether the simulation has a burst. With one the storm is milder,
// for a burst that is killed at each step is none.
func (w *world) prepareBurst() (facts []fact) {
	if !w.chance(23) {
		return nil
	}
	w.faults.kill, w.faults.stop, w.faults.freeze, w.faults.stall, w.faults.clock, w.faults.rebalance = 3000, 0, 0, 0, 0, 3000
	if w.IntN(5) < 3 {
		o := order{key: heavyOrder, room: maxBytes/heavy + 4}
		w.judge.orders = append(w.judge.orders, o)
		for n := range o.room {
			facts = append(facts, w.record("room", o.key, n+1, held{o.key, int64(n + 1), strings.Repeat("x", heavy)}))
		}
		return facts
	}
	for n := 0; len(facts) < crowd; n++ {
		if key := fmt.Sprint("one-of-many-", n); partitionOf(key) == partitionOf(heavyOrder) { // one process's
			facts = append(facts, w.record("room", key, 1, held{key, 1, ""}))
		}
	}
	w.judge.crowd = len(facts)
	return facts
}

// holdLoops keeps each loop from going on once, while it reads a burst.
func (w *world) holdLoops() {
	if !w.bursting || w.calm {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.waiting {
		if t.place == "gather" && t.who.reading && !t.who.held {
			t.who.held = true
			t.stalled = time.Now().Add(5 * time.Second)
		}
	}
}

// arriving reports whether a burst is not read yet.
func (w *world) arriving() bool {
	if !w.bursting {
		return false
	}
	for n := range int32(partitions) {
		if w.judge.positions[fmt.Sprintf("room.events/%d", n)] < w.topics.end("room.events", n) {
			return true
		}
	}
	return false
}

// batch counts what one batch of a process handled.
func (p *process) batch(bytes int) {
	p.inputs++
	p.bytes += bytes
	if p.inputs == maxInputs-10 { // and some of the kit's own, which the log does not show
		p.w.seen("a batch had as many inputs as it may")
	}
	if p.bytes >= maxBytes && p.bytes-bytes < maxBytes {
		p.w.seen("a batch had as many bytes as it may")
	}
}

// many checks the keys of a burst together.
func (j *judge) many(said map[string]int) {
	if n := j.number(`SELECT count(*) FROM tills WHERE key LIKE 'one-of-many-%' AND room = '1 ' AND words = 'room 1; '`); n != int64(j.crowd) {
		j.w.violate("%d of %d keys of a burst are as they should be", n, j.crowd)
	}
	if len(said) != j.crowd {
		j.w.violate("there are events of %d keys of a burst, and it had %d", len(said), j.crowd)
	}
	for key, n := range said {
		if n != 1 {
			j.w.violate("%d events of %s", n, key)
		}
	}
}
