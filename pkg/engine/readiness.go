package engine

import (
	"sort"
	"sync"
)

// readiness is why a service is not ready: one sentence per dependency.
type readiness struct {
	mu sync.Mutex
	of map[string]string
}

func (r *readiness) set(dependency string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]string{}
	}
	r.of[dependency] = err.Error()
}

func (r *readiness) clear(dependency string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of, dependency)
}

// about reports whether a dependency is missing.
func (r *readiness) about(dependency string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, missing := r.of[dependency]
	return missing
}

// list returns a sentence per dependency that is missing.
func (r *readiness) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	sentences := make([]string, 0, len(r.of))
	for dependency, err := range r.of {
		sentences = append(sentences, dependency+": "+err)
	}
	sort.Strings(sentences)
	return sentences
}
