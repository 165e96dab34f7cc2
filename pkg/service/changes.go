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

// subscribe begins to notify a request of a key's changes. The request must read the
// state after this and not before it, and call leave in the end.
//
// No change is lost. A commit is visible before notify is called for it. So either
// notify finds the subscription, and the channel holds the notification until the
// request has read and comes to wait; or it came before subscribe, and then the commit
// lies before the request's reading. With the two steps swapped a commit could fall
// between them: read (pending), commit, notify (nobody is subscribed), subscribe, and
// wait for a change that has happened.
//
// The channel holds one notification, and a second change while it is there adds
// nothing: the reading that follows sees both.
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
			default: // notified already, and it has not read since
			}
		}
	}
}
