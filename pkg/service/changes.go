package service

import (
	"maps"
	"slices"
	"sync"
)

// changes notifies requests that wait for a state. A notification carries no state: the
// request reads the database again.
type changes struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{} // by key
}

func newChanges() *changes { return &changes{waiting: map[string]map[chan struct{}]struct{}{}} }

// subscribe subscribes a request to the changes of a key. The request must read the
// state after this and not before it, and call leave in the end.
//
// A commit that is visible before its notify is not lost. Either notify finds the
// subscription: the channel holds the notification until the request has read and comes
// to wait. Or notify ran before subscribe: the commit lies before the request's read.
// With the two steps swapped, the request could miss a commit. It reads (pending). The
// commit happens. notify finds no subscription. The request subscribes, and waits for a
// change that has happened.
//
// A commit of unknown outcome may become visible after its notify, and another
// instance's commit may come without one. So a request also polls, every readAgain.
//
// The channel holds one notification. A second change while it is there adds nothing:
// the next read sees both.
func (c *changes) subscribe(key string) (changed <-chan struct{}, leave func()) {
	ch := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[key] == nil {
		c.waiting[key] = map[chan struct{}]struct{}{}
	}
	c.waiting[key][ch] = struct{}{}
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting[key], ch)
		if len(c.waiting[key]) == 0 {
			delete(c.waiting, key)
		}
	}
}

// notify notifies the subscriptions of keys; nil stands for all keys. The engine calls
// it after each commit, so it never waits.
func (c *changes) notify(keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if keys == nil {
		keys = slices.Collect(maps.Keys(c.waiting))
	}
	for _, key := range keys {
		for ch := range c.waiting[key] {
			select {
			case ch <- struct{}{}:
			default: // notified already, and the request has not read since
			}
		}
	}
}
