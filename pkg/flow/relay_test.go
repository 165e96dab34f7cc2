package flow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

func TestARecordRefusedOnceIsPublishedAgainInOrder(t *testing.T) {
	w := newWorld(t)
	var n, refused atomic.Int32
	w.log.Fail(func(string) error {
		if n.Add(1)%37 == 0 && refused.Add(1) <= 5 {
			return errors.New("refused")
		}
		return nil
	})
	p := w.start()
	for i := range int64(600) {
		p.add(fmt.Sprintf("k%d", i%7), 1, "")
	}
	p.taken()
	p.drained()
	inOrder(t, w, 600)
	equal(t, "refusals", refused.Load() >= 5, true)
	equal(t, "producers replaced", p.metric("quintet_producer_failures_total") >= 1, true)
}

func TestNothingOvertakesWhatCouldNotBeReadBack(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.add("k", 0, "")
	p.taken()
	p.drained()
	// From here on the log refuses, the outbox cannot be read back, and
	// commits go on.
	var refuse atomic.Bool
	refuse.Store(true)
	w.log.Fail(func(string) error {
		if refuse.Load() {
			return errors.New("refused")
		}
		return nil
	})
	w.exec(`INSERT INTO outbox (id, topic, key, seq, headers, value) VALUES ('bad', 't', 'z', 1, 'not JSON', '')`)
	p.add("k", 1, "")
	eventually(t, "the relay finds the table unreadable", func() bool { return p.lines.count("cannot read what is to be published") > 0 })
	refuse.Store(false)
	p.add("k", 2, "")
	p.taken()
	eventually(t, "the relay finds it so again", func() bool { return p.lines.count("cannot read what is to be published") > 2 })
	records, _ := w.published("tally.events")
	equal(t, "published meanwhile", len(records), 1)
	w.exec(`DELETE FROM outbox WHERE id = 'bad'`)
	p.drained()
	inOrder(t, w, 3)
}

// exec changes the database behind the process's back.
func (w *world) exec(query string) {
	w.t.Helper()
	tx, err := w.db.Begin(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), query); err != nil {
		w.t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

func TestACrashBetweenPublishAndDeleteRepeatsTheSameID(t *testing.T) {
	w := newWorld(t)
	p := w.startStopping(10 * time.Millisecond)
	var published sync.WaitGroup
	published.Add(1)
	var once sync.Once
	w.log.Fail(func(string) error {
		// Whoever gets here is about to be published: nothing commits any more.
		once.Do(published.Done)
		return nil
	})
	gate := make(chan struct{})
	var commits atomic.Int32
	w.db.SetFaults(store.Faults{BeforeCommit: func() error {
		if commits.Add(1) == 1 {
			return nil
		}
		<-gate
		return errors.New("killed")
	}})
	p.add("k", 1, "")
	published.Wait()
	p.cancel()
	close(gate)
	p.stop()
	w.db.SetFaults(store.Faults{})
	equal(t, "outbox after the crash", w.count("outbox"), "1")
	p = w.start()
	p.drained()
	if copies := inOrder(t, w, 1); copies != 1 {
		t.Errorf("copies with the same id: got %d, want 1", copies)
	}
}

func TestACommitOfUnknownOutcomePublishesEverythingOnceAndInOrder(t *testing.T) {
	for name, faults := range unknownOutcomes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.start()
			for round := range int64(3) {
				w.db.SetFaults(faults())
				for i := range int64(10) {
					p.add(fmt.Sprintf("k%d", i%2), round*10+i, "")
				}
				p.taken()
			}
			p.drained()
			inOrder(t, w, 30)
		})
	}
}

func TestWhatIsLeftInTheOutboxGoesOutAtTheNextStart(t *testing.T) {
	w := newWorld(t)
	w.openLog = func() (flow.Log, error) { return nil, errors.New("no broker") }
	p := w.startStopping(10 * time.Millisecond)
	for i := range int64(30) {
		p.add(fmt.Sprintf("k%d", i%3), i, "")
	}
	p.taken()
	p.stop()
	equal(t, "outbox", w.count("outbox"), "30")
	w.openLog = w.log.Open
	p = w.start()
	p.add("k0", 100, "")
	p.taken()
	p.drained()
	inOrder(t, w, 31)
}

// A log of which nothing comes back.
type silent struct{ results chan flow.Published }

func (s silent) Publish(ctx context.Context, _ string, _ *flow.Record) { <-ctx.Done() }
func (s silent) Results() <-chan flow.Published                        { return s.results }
func (s silent) Close() error                                          { close(s.results); return nil }

func TestAStopIsBoundedWhenTheLogHangs(t *testing.T) {
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	for name, open := range map[string]func() (flow.Log, error){
		"publishing": func() (flow.Log, error) { return silent{make(chan flow.Published)}, nil },
		"opening":    func() (flow.Log, error) { <-hung; return nil, errors.New("at last") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.openLog = open
			p := w.startStopping(50 * time.Millisecond)
			p.add("k", 1, "")
			p.taken()
			began := time.Now()
			p.stop()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("stop took %v", took)
			}
			equal(t, "outbox", w.count("outbox"), "1")
		})
	}
}
