package flow

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// trouble is why a service is not ready: one sentence per dependency.
type trouble struct {
	mu sync.Mutex
	of map[string]string
}

func (t *trouble) set(dependency string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]string{}
	}
	t.of[dependency] = err.Error()
}

func (t *trouble) clear(dependency string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, dependency)
}

// list returns a sentence per dependency that is missing.
func (t *trouble) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	sentences := make([]string, 0, len(t.of))
	for dependency, err := range t.of {
		sentences = append(sentences, dependency+": "+err)
	}
	sort.Strings(sentences)
	return sentences
}

// newDelay returns the kit's one way to wait between attempts: exponential
// with jitter, so that what failed together does not come back together.
func newDelay() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 50 * time.Millisecond
	b.MaxInterval = 5 * time.Second
	return b
}

// pause waits for the next delay. It reports false when ctx ended first.
func pause(ctx context.Context, d *backoff.ExponentialBackOff) bool {
	t := time.NewTimer(d.NextBackOff())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
