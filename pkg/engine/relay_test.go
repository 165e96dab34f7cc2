package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
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
	equal(t, "producers replaced", p.metric("quintet_producers_replaced_total") >= 1, true)
}

func TestUnreadableOutboxHoldsEverythingBack(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.add("k", 0, "")
	p.taken()
	p.drained()
	// From here on the log refuses, the outbox cannot be read, and commits go on.
	w.log.Fail(func(string) error { return errors.New("refused") })
	var failed atomic.Int32
	w.db.SetFaults(store.Faults{Read: func(query string) error {
		if !strings.Contains(query, "FROM outbox t") {
			return nil
		}
		failed.Add(1)
		return errors.New("connection lost")
	}})
	p.add("k", 1, "")
	eventually(t, "the outbox cannot be read", func() bool { return failed.Load() > 0 })
	w.log.Fail(nil)
	p.add("k", 2, "")
	p.taken()
	eventually(t, "the service says so", func() bool { return strings.Contains(strings.Join(p.engine.Missing(), ""), "outbox") })
	records, _ := w.published("tally.events")
	equal(t, "published meanwhile", len(records), 1)
	w.db.SetFaults(store.Faults{})
	p.drained()
	inOrder(t, w, 3)
}

// What can never be published is set aside and told; what is behind it waits, and
// all else flows.
func TestRefusedEventHoldsUpOnlyItsLane(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	var first atomic.Value
	var mended atomic.Bool
	w.log.Fail(func(id string) error {
		if first.CompareAndSwap(nil, id); first.Load() == id && !mended.Load() {
			return fmt.Errorf("too large: %w", engine.ErrRefused)
		}
		return nil
	})
	p.add("a", 1, "")
	eventually(t, "it is refused", func() bool { return w.one(`SELECT count(*) FROM outbox WHERE due > 0`) == "1" })
	p.add("a", 2, "")
	for i := range int64(20) {
		p.add("b", i, "")
	}
	p.taken()
	eventually(t, "the other lane is published", func() bool { return w.count("outbox") == "2" })
	eventually(t, "the service says so", func() bool {
		return strings.Contains(strings.Join(p.engine.Missing(), ""), "broker refuses: 1 events")
	})
	mended.Store(true)
	w.exec(`UPDATE outbox SET due = 1 WHERE due > 0`) // a minute has passed
	p.engine.Wake()
	p.drained()
	inOrder(t, w, 22)
	eventually(t, "the service is ready", func() bool { return len(p.engine.Missing()) == 0 })
}

func TestUnreadableOutboxRowIsSetAside(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.exec(`INSERT INTO outbox (id, topic, key, seq, headers, value, shard) VALUES ('bad', 't', 'z', 1, 'not JSON', '', 0)`)
	for i := range int64(3) {
		p.add("k", i, "")
	}
	p.taken()
	eventually(t, "only that row is left", func() bool { return w.count("outbox") == "1" })
	inOrder(t, w, 3)
	equal(t, "told", p.lines.count("headers are not JSON") > 0, true)
}

// exec changes the database behind the process's back.
func (w *world) exec(query string) {
	w.t.Helper()
	tx, err := w.db.Begin(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := tx.Exec(context.Background(), query); err != nil {
		w.t.Fatal(err)
	}
	if err := tx.Commit(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func TestCrashAfterPublishRepublishesTheSameID(t *testing.T) {
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

func TestUnknownCommitPublishesOnceInOrder(t *testing.T) {
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

func TestRestartPublishesTheLeftoverOutbox(t *testing.T) {
	w := newWorld(t)
	w.openLog = func() (engine.Producer, error) { return nil, errors.New("no broker") }
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
type silent struct{ results chan engine.Ack }

func (s silent) Publish(ctx context.Context, _ string, _ *record.Record) { <-ctx.Done() }
func (s silent) Acks() <-chan engine.Ack                                 { return s.results }
func (s silent) Close() error                                            { close(s.results); return nil }

func TestAStopIsBoundedWhenTheLogHangs(t *testing.T) {
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	for name, open := range map[string]func() (engine.Producer, error){
		"publishing": func() (engine.Producer, error) { return silent{make(chan engine.Ack)}, nil },
		"opening":    func() (engine.Producer, error) { <-hung; return nil, errors.New("at last") },
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
