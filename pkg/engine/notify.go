package engine

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// notifier carries hints between the instances that share a database. A hint names
// the followers that should read their tables. A lost hint costs a poll.
type notifier[S any] struct {
	e     *Engine[S]
	hint  chan struct{}
	heard chan struct{} // another instance's states changed

	mu   sync.Mutex
	work int // the followers that have work, a bit for each
}

// message is a hint in flight. The version before sends keys. This version only names
// the followers that have work.
type message struct {
	From string   `json:"from"` // a process
	Work int      `json:"work,omitempty"`
	Keys []string `json:"keys,omitempty"`
}

// sendTime bounds the sending of one hint.
const sendTime = 5 * time.Second

// tell notifies the other instances, if there are any. The hint names the followers that
// have work, or (0) only reports that states changed. Hints that gather while one is in
// flight are sent as one.
func (n *notifier[S]) tell(work int) {
	if !n.e.leases.others.Load() {
		return
	}
	n.mu.Lock()
	n.work |= work
	n.mu.Unlock()
	signal(n.hint)
}

// send sends hints until ctx ends.
func (n *notifier[S]) send(ctx context.Context) {
	for n.e.Turns.await(ctx, n.hint, nil, "tell", "") {
		n.mu.Lock()
		m := message{From: n.e.leases.process, Work: n.work}
		n.work = 0
		n.mu.Unlock()
		payload, err := json.Marshal(m)
		if err == nil {
			bounded, cancel := context.WithTimeout(ctx, sendTime)
			err = n.e.DB.Signal(bounded, string(payload))
			cancel()
		}
		if err != nil && ctx.Err() == nil {
			n.e.Log.Warn("notify other instances", "error", err)
		}
	}
}

// hear handles another instance's hint.
func (n *notifier[S]) hear(payload string) {
	n.e.Turns.next("hear", "")
	var m message
	if err := json.Unmarshal([]byte(payload), &m); err != nil {
		n.e.Log.Warn("read another instance's hint", "error", err)
		return
	}
	if m.From == n.e.leases.process {
		return
	}
	if len(m.Keys) > 0 {
		n.e.Wake()
	}
	for i, hint := range n.e.hints() {
		if m.Work&(1<<i) != 0 {
			signal(hint)
		}
	}
	signal(n.heard)
}

// changedEvery is the interval at which waiting callers are notified of the commits of
// other instances. Each caller then reads its state again, regardless of the commit. A
// shorter interval would cost more than it is worth.
const changedEvery = 500 * time.Millisecond

// pass notifies the callers that wait for a state here of the others' commits.
func (n *notifier[S]) pass(ctx context.Context) {
	for n.e.Turns.await(ctx, n.heard, nil, "others changed", "") {
		if n.e.Changed == nil {
			continue
		}
		n.e.Changed(nil)
		wait := time.NewTimer(changedEvery)
		n.e.Turns.await(ctx, nil, wait.C, "others changed", "")
		wait.Stop()
	}
}
