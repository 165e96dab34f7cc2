package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

// A log that takes everything and never says that it arrived.
type swallowing struct{ silent }

func (swallowing) Publish(context.Context, string, *record.Record) {}

// fillOutbox leaves events of many keys to be published.
func (w *world) fillOutbox(many int) {
	w.t.Helper()
	tx, err := w.db.Begin(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var rows []any
	for i := range many {
		rows = append(rows, fmt.Sprintf("id-%d", i), "tally.events", fmt.Sprintf("k%d", i%5000), int64(i/5000+1), "[]", []byte(strings.Repeat("v", 200)), int64(i%12))
	}
	tx.Bulk(`INSERT INTO outbox (id, topic, key, seq, headers, value, shard)`, 7, `ON CONFLICT DO NOTHING`, rows)
	if err := tx.Commit(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// reads counts a database's readings of each table that a follower looks at.
type reads struct {
	mu sync.Mutex
	of map[string]int
}

func countReads(db *store.DB) *reads {
	r := &reads{of: map[string]int{}}
	db.SetFaults(store.Faults{Read: func(query string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if m := table.FindStringSubmatch(query); m != nil {
			r.of[m[1]]++
		}
		return nil
	}})
	return r
}

func (r *reads) count(table string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[table]
}

// While the broker is away a long outbox is looked at by its first pages, and not
// again and again.
func TestLongOutboxCostsAnIdleServiceNothing(t *testing.T) {
	for name, open := range map[string]func() (engine.Producer, error){
		"a broker that cannot be reached": func() (engine.Producer, error) { return nil, errors.New("no broker") },
		"a broker that says nothing":      func() (engine.Producer, error) { return swallowing{silent{make(chan engine.Ack)}}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.openLog = open
			w.fillOutbox(200_000)
			reads := countReads(w.db)
			p := w.startStopping(10 * time.Millisecond)
			polls := func(n int) {
				end := reads.count("timers") + n
				eventually(t, "the followers look", func() bool { return reads.count("timers") >= end })
			}
			polls(3)
			before, cpu, began := reads.count("outbox"), cpuTime(), time.Now()
			polls(3)
			if before > 3 {
				t.Errorf("the outbox was read %d times, want its two pages", before)
			}
			equal(t, "readings of the outbox since", reads.count("outbox")-before, 0)
			t.Logf("%.1f %% of a core", 100*float64(cpuTime()-cpu)/float64(time.Since(began)))
			_, err := p.engine.Submit(t.Context(), engine.Command{Key: "c", Body: Add{1}})
			equal(t, "a command over the bound", errors.Is(err, engine.ErrUnavailable), true)
		})
	}
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of this process it cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
