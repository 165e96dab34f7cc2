package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/quintet-eda/quintet/e2e"
)

// screen shows the orders of a story as they progress. The stories and the topics write
// at the same time; screen keeps their lines whole.
type screen struct {
	mu      sync.Mutex
	w       io.Writer
	shown   map[string]*e2e.Live  // orders to show
	waiting map[string][]e2e.Fact // of orders that show was not called for yet
}

func newScreen(w io.Writer) *screen {
	return &screen{w: w, shown: map[string]*e2e.Live{}, waiting: map[string][]e2e.Fact{}}
}

func (s *screen) title(name, tells string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.waiting)
	fmt.Fprintf(s.w, "\n%s\n%s\n%s\n\n", name, strings.Repeat("-", len(name)), tells)
}

func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.w, "  * "+format+"\n", args...)
}

// show begins to show an order: its events so far, and those to come.
func (s *screen) show(order string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := e2e.NewLive(s.w, order)
	s.shown[order] = live
	for _, f := range s.waiting[order] {
		live.Add(f)
	}
}

// follow reads facts until the channel is closed.
func (s *screen) follow(facts <-chan e2e.Fact) {
	for f := range facts {
		s.mu.Lock()
		if live := s.shown[f.Key]; live != nil {
			live.Add(f)
		} else {
			s.waiting[f.Key] = append(s.waiting[f.Key], f)
		}
		s.mu.Unlock()
	}
}
