package service

import (
	"maps"
	"slices"
	"sync"
)

// changes tells those who wait for a state that it changed. It carries no state:
// whoever is told reads the database again.
type changes struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{} // by key
}

func newChanges() *changes { return &changes{waiting: map[string]map[chan struct{}]struct{}{}} }

// listen begins to listen for a key. A listener must read the state after this and not
// before it, and call leave in the end.
//
// No change is lost. A commit is visible before tell is called for it. So either tell
// finds the listener, and the channel holds its word until the listener has read and
// comes to wait; or it came before listen, and then the commit lies before the
// listener's reading. With the two steps swapped a commit could fall between them: read
// (pending), commit, tell (nobody there), listen, and wait for a change that has
// happened.
//
// The channel holds one word, and a second change while it is there adds nothing: the
// reading that follows the word sees both.
func (c *changes) listen(key string) (told <-chan struct{}, leave func()) {
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

// tell tells the listeners of keys; nil stands for all of them. The engine calls it
// after each commit, so it never waits.
func (c *changes) tell(keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if keys == nil {
		keys = slices.Collect(maps.Keys(c.waiting))
	}
	for _, key := range keys {
		for ch := range c.waiting[key] {
			select {
			case ch <- struct{}{}:
			default: // told already, and has not read since
			}
		}
	}
}
