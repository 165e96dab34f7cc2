package flow

import (
	"sort"
	"sync"
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

// about reports whether a dependency is missing.
func (t *trouble) about(dependency string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, missing := t.of[dependency]
	return missing
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
