package engine_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
)

// A batch of 500 inputs that put out everything there is takes at most eight
// statements per table, reads and deletions included.
func TestFullBatchTakesFewStatementsPerTable(t *testing.T) {
	for _, inputs := range []int{1, 500} {
		t.Run(fmt.Sprint(inputs), func(t *testing.T) {
			w := newWorld(t)
			p := w.start()
			count := countStatements(w)
			release := p.hold()
			for i := range inputs {
				p.add(fmt.Sprintf("k%d", i), 1, "all")
			}
			release()
			p.taken()
			p.drained() // the batch that deletes what was published is counted too
			count.check(t)
		})
	}
}

func TestResultAndCommandBatchTakesFewStatements(t *testing.T) {
	for _, inputs := range []int{1, 180} {
		t.Run(fmt.Sprint(inputs), func(t *testing.T) {
			w := newWorld(t)
			rung := make(chan struct{})
			var ringing atomic.Int32
			w.callHandlers = []flow.CallHandler{ring(func(context.Context, flow.Call, Ring) (Rung, error) {
				ringing.Add(1)
				<-rung
				return Rung{Bell: 1}, nil
			})}
			p := w.start()
			for i := range inputs {
				p.add(fmt.Sprintf("k%d", i), 1, "all")
			}
			p.taken()
			p.drained()
			count := countStatements(w)
			release := p.hold()
			var asked sync.WaitGroup
			for i := range inputs {
				asked.Go(func() {
					if _, err := p.submitTo(fmt.Sprintf("c%d", i)); err != nil {
						t.Error(err)
					}
				})
			}
			eventually(t, "all calls are under way", func() bool { return ringing.Load() == int32(inputs) })
			close(rung)
			eventually(t, "all are queued", func() bool { return p.queued() == int64(2*inputs) })
			release()
			asked.Wait()
			count.check(t)
		})
	}
}

func (p *process) submitTo(key string) (string, error) {
	reply, err := p.engine.Submit(context.Background(), engine.Command{Key: key, Body: Add{1}, IdempotencyKey: key})
	return string(reply), err
}

type statements struct {
	mu   sync.Mutex
	most map[string]int // per table
	in   map[string]int // of the batch under way
	verb string         // of the last
}

var table = regexp.MustCompile(`(?i)(?:INTO|FROM|UPDATE)\s+([a-z]+)`)

func countStatements(w *world) *statements {
	s := &statements{most: map[string]int{}, in: map[string]int{}}
	w.db.CountStatements(func(query string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		name := "?"
		if m := table.FindStringSubmatch(query); m != nil {
			name = m[1]
		}
		verb := strings.Fields(query)[0]
		// A batch reads its positions first, or its streams when it has no
		// record, before it writes anything: a read after a write is another.
		if wrote := s.verb != "SELECT"; wrote && verb == "SELECT" {
			s.in = map[string]int{}
		}
		s.verb = verb
		s.in[name]++
		s.most[name] = max(s.most[name], s.in[name])
	})
	return s
}

func (s *statements) check(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, n := range s.most {
		if n > 8 {
			t.Errorf("table %s took %d statements in one batch, want at most 8", name, n)
		}
	}
	t.Logf("statements per table in one batch: %v", s.most)
}
