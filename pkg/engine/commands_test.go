package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

func (p *process) submit(key string, amount int64, digest string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reply, err := p.engine.Submit(ctx, engine.Command{Key: "c", Body: Add{amount}, IdempotencyKey: key, Digest: digest, Tenant: record.DefaultTenant})
	return string(reply), err
}

func TestRepeatedCommandGetsFirstReplyAfterRestart(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for range 2 {
		for range 3 {
			reply, err := p.submit("key", 5, "five")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "reply", reply, "5")
		}
		if _, err := p.submit("key", 6, "six"); !errors.Is(err, engine.ErrKeyReused) {
			t.Errorf("same key for another request: got %v, want %v", err, engine.ErrKeyReused)
		}
		p.stop()
		p = w.start()
	}
	equal(t, "applied", w.trail("c"), "5")
}

func TestFiftyConcurrentCopiesOfACommandApplyOnce(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	var copies sync.WaitGroup
	for range 50 {
		copies.Go(func() {
			if reply, err := p.submit("key", 5, "five"); reply != "5" || err != nil {
				t.Errorf("got %s, %v", reply, err)
			}
		})
	}
	copies.Wait()
	equal(t, "applied", w.trail("c"), "5")
}

func TestRefusedCommandChangesNothing(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	if _, err := p.submit("key", 0, "zero"); !errors.Is(err, errNothing) {
		t.Errorf("got %v, want the reaction's own %v", err, errNothing)
	}
	if _, err := p.submit("bad", poison, "bad"); err == nil || !strings.Contains(strings.ToLower(err.Error()), "check") {
		t.Errorf("a state that the database refuses: got %v", err)
	}
	reply, err := p.submit("key", 3, "three") // nothing was stored for the key
	if reply != "3" || err != nil {
		t.Errorf("got %s, %v", reply, err)
	}
	equal(t, "parked", w.count("parked"), "0")
	equal(t, "applied", w.trail("c"), "3")
}

func TestCommandRetryAfterUnknownCommitAppliesOnce(t *testing.T) {
	for name, faults := range unknownOutcomes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.start()
			w.db.SetFaults(faults())
			if _, err := p.submit("key", 5, "five"); !errors.Is(err, engine.ErrOutcomeUnknown) {
				t.Fatalf("got %v, want %v", err, engine.ErrOutcomeUnknown)
			}
			w.db.SetFaults(store.Faults{})
			reply, err := p.submit("key", 5, "five")
			if reply != "5" || err != nil {
				t.Errorf("repeated: got %s, %v", reply, err)
			}
			equal(t, "applied", w.trail("c"), "5")
		})
	}
}

func TestWatchersAreNotifiedOfUnknownCommits(t *testing.T) {
	w := newWorld(t)
	told := make(chan string, 100)
	w.changed = func(keys []string) { told <- strings.Join(keys, " ") }
	p := w.start()
	await := func(key string) {
		eventually(t, "told that "+key+" changed", func() bool {
			select {
			case keys := <-told:
				return keys == key
			default:
				return false
			}
		})
	}
	w.db.SetFaults(unknownOutcomes()["it happened"]())
	if _, err := p.submit("key", 5, "five"); !errors.Is(err, engine.ErrOutcomeUnknown) {
		t.Errorf("got %v, want %v", err, engine.ErrOutcomeUnknown)
	}
	await("c")
	w.db.SetFaults(unknownOutcomes()["it happened"]())
	p.add("k", 1, "silent")
	await("k")
}

func TestACommandWithoutAPlaceToGoIsRefusedAsBusy(t *testing.T) {
	w := newWorld(t)
	w.bound = 10
	w.openLog = func() (engine.Producer, error) { return nil, errors.New("no broker") }
	p := w.startStopping(time.Millisecond)
	for i := range int64(11) {
		p.add("k", i, "")
	}
	p.taken()
	eventually(t, "the outbox is over its bound", func() bool {
		_, err := p.submit("key", 5, "five")
		return errors.Is(err, engine.ErrUnavailable)
	})
	p.stop()
	if _, err := p.submit("key2", 5, "five"); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("after the stop: got %v, want %v", err, engine.ErrUnavailable)
	}
}

func TestCommandCancelledWhileQueuedIsNotApplied(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	release := p.hold()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.engine.Submit(ctx, engine.Command{Key: "late", Body: Add{7}, IdempotencyKey: "late"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("given up before a batch took it: got %v, want %v", err, engine.ErrUnavailable)
	}
	release()
	p.add("k", 1, "")
	p.taken()
	equal(t, "applied", w.trail("late"), "")
}

func TestCommandCancelledAtBeginIsNotApplied(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	ctx, cancel := context.WithCancel(context.Background())
	release := make(chan struct{})
	w.db.SetFaults(store.Faults{Begin: func() error {
		cancel()
		<-release
		return nil
	}})
	if _, err := p.engine.Submit(ctx, engine.Command{Key: "late", Body: Add{7}, IdempotencyKey: "late"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("given up before its key was locked: got %v, want %v", err, engine.ErrUnavailable)
	}
	w.db.SetFaults(store.Faults{})
	close(release)
	p.add("k", 1, "")
	p.taken()
	equal(t, "applied", w.trail("late"), "")
}

func TestCommandCancelledDuringBatchIsUnknown(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	release := make(chan struct{})
	w.panics = func(place, _ string) {
		if place == "save" {
			cancel()
			<-release
		}
	}
	p := w.start()
	_, err := p.engine.Submit(ctx, engine.Command{Key: "c", Body: Add{7}, IdempotencyKey: "key", Digest: "seven"})
	if !errors.Is(err, engine.ErrOutcomeUnknown) {
		t.Errorf("got %v, want %v", err, engine.ErrOutcomeUnknown)
	}
	close(release)
	reply, err := p.submit("key", 7, "seven")
	if reply != "7" || err != nil {
		t.Errorf("repeated: got %s, %v", reply, err)
	}
	equal(t, "applied", w.trail("c"), "7")
}

func TestCommandFailsWhileTheDatabaseIsDown(t *testing.T) {
	w := newWorld(t)
	p := w.startStopping(time.Millisecond)
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err := p.engine.Submit(ctx, engine.Command{Key: "c", Body: Add{7}, IdempotencyKey: "key"})
	if !errors.Is(err, engine.ErrUnavailable) && !errors.Is(err, engine.ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
	eventually(t, "the engine says what is missing", func() bool { return strings.Contains(strings.Join(p.engine.Missing(), ""), "database") })
	p.stop() // bounded, though nothing can be committed
}

// Nothing but a command would commit here, and who sends only to services that
// are ready sends none.
func TestIdleServiceIsReadyOnceDatabaseReturns(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.db.SetFaults(store.Faults{Begin: func() error { return errors.New("connection refused") }})
	ctx, giveUp := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		_, err := p.engine.Submit(ctx, engine.Command{Key: "c", Body: Add{7}, IdempotencyKey: "key"})
		answered <- err
	}()
	eventually(t, "the service is not ready", func() bool { return strings.Contains(strings.Join(p.engine.Missing(), "\n"), "database: ") })
	giveUp()
	if err := <-answered; !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("while the database is away: got %v, want %v", err, engine.ErrUnavailable)
	}
	w.db.SetFaults(store.Faults{})
	eventually(t, "the service is ready again", func() bool { return len(p.engine.Missing()) == 0 })
	equal(t, "applied", w.trail("c"), "")
}
