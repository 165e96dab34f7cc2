//go:build containers

package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

func TestKilledConnectionCostsOnlyItsTransaction(t *testing.T) {
	url := database(t)
	db := migrate(t, openAt(t, url), boxes)
	t.Run("before it begins", func(t *testing.T) {
		tx := begin(t, db)
		exec(t, tx, insertBox, 1, 1)
		p := pid(t, tx)
		commit(t, tx)
		terminate(t, p)
		run(t, db, insertBox, 2, 2)
	})
	t.Run("at a statement", func(t *testing.T) {
		tx := begin(t, db)
		exec(t, tx, insertBox, 3, 3)
		terminate(t, pid(t, tx))
		err := tx.Exec(t.Context(), insertBox, 4, 4)
		if !store.Transient(err) {
			t.Errorf("got %v, want a transient error", err)
		}
		tx.Rollback(err)
		run(t, db, insertBox, 5, 5)
	})
	t.Run("while a statement waits", func(t *testing.T) {
		other := openAt(t, url)
		held := begin(t, other)
		exec(t, held, `UPDATE boxes SET n = n WHERE id = ?`, 1)
		tx := begin(t, db)
		p := pid(t, tx)
		failed := make(chan error, 1)
		go func() {
			err := tx.Exec(context.Background(), `UPDATE boxes SET n = n WHERE id = ?`, 1)
			failed <- err
		}()
		until(t, "the statement to wait", func() bool {
			return len(texts(t, db, `SELECT pid FROM pg_locks WHERE pid = ? AND NOT granted`, p)) > 0
		})
		terminate(t, p)
		err := <-failed
		if !store.Transient(err) {
			t.Errorf("got %v, want a transient error", err)
		}
		tx.Rollback(err)
		commit(t, held)
		run(t, db, insertBox, 6, 6)
	})
	t.Run("at the commit", func(t *testing.T) {
		tx := begin(t, db)
		exec(t, tx, insertBox, 7, 7)
		terminate(t, pid(t, tx))
		if err := tx.Commit(t.Context()); !errors.Is(err, store.ErrUnknownOutcome) {
			t.Errorf("got %v, want %v", err, store.ErrUnknownOutcome)
		}
		run(t, db, insertBox, 8, 8)
	})
	if got := strings.Join(texts(t, db, `SELECT id FROM boxes ORDER BY id`), " "); got != "1 2 5 6 8" {
		t.Errorf("boxes: got %s", got)
	}
}

func TestAConnectionIsKeptUnlessItMayBeAtFault(t *testing.T) {
	db := migrate(t, openAt(t, database(t)), boxes)
	after := func(cause error) (before, now int) {
		tx := begin(t, db)
		before = pid(t, tx)
		tx.Rollback(cause)
		tx = begin(t, db)
		now = pid(t, tx)
		commit(t, tx)
		return before, now
	}
	if before, now := after(errors.New("a value that does not fit")); before != now {
		t.Error("a connection was given up for the data's fault")
	}
	if before, now := after(context.DeadlineExceeded); before == now {
		t.Error("a connection that did not answer in time is used again")
	}
}

func TestACommitWhoseAnswerIsLostHappened(t *testing.T) {
	var swallow atomic.Bool
	address := wire(t, server.Address(), &swallow)
	db := migrate(t, openAt(t, strings.Replace(database(t), server.Address(), address, 1)), boxes)
	tx := begin(t, db)
	exec(t, tx, insertBox, 1, 1)
	swallow.Store(true)
	if err := tx.Commit(t.Context()); !errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("got %v, want %v", err, store.ErrUnknownOutcome)
	}
	swallow.Store(false)
	run(t, db, insertBox, 2, 2)
	if got := countBoxes(t, db); got != 2 {
		t.Errorf("rows: got %d, want 2", got)
	}
}

// wire passes a connection's bytes on. Once it is told to swallow, it ends the
// connection on the next answer instead of passing it on.
func wire(t *testing.T, to string, swallow *atomic.Bool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(server, client)
				_ = server.Close()
			}()
			go func() {
				defer client.Close()
				answer := make([]byte, 64<<10)
				for {
					n, err := server.Read(answer)
					if err != nil || swallow.Load() && bytes.Contains(answer[:n], []byte("COMMIT")) {
						return
					}
					if _, err := client.Write(answer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestAServerThatCrashesIsFoundAgain(t *testing.T) {
	db := migrate(t, openAt(t, database(t)), boxes)
	connected := make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(t.Context())
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		db.Listen(ctx, func(string) {}, func() { connected <- struct{}{} })
	}()
	defer func() { cancel(); <-listening }()
	<-connected
	run(t, db, insertBox, 1, 1)
	tx := begin(t, db)
	exec(t, tx, insertBox, 2, 2)
	if err := server.Crash(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the crash", func() bool {
		err := tx.Exec(t.Context(), `UPDATE boxes SET n = ? WHERE id = ?`, 3, 2)
		if err != nil && !store.Transient(err) {
			t.Fatalf("got %v, want a transient error", err)
		}
		return err != nil
	})
	tx.Rollback(io.ErrUnexpectedEOF)
	until(t, "the server to recover", func() bool {
		err := try(t, db, insertBox+` ON CONFLICT (id) DO NOTHING`, 4, 4) // an answer may get lost
		if err != nil && !store.Transient(err) {
			t.Fatalf("got %v, want a transient error", err)
		}
		return err == nil
	})
	if got := strings.Join(texts(t, db, `SELECT id FROM boxes ORDER BY id`), " "); got != "1 4" {
		t.Errorf("boxes: got %s, want 1 4", got)
	}
	select {
	case <-connected:
	case <-time.After(30 * time.Second):
		t.Error("nobody listens after the crash")
	}
}

func TestSignalsArriveAndAreHeardAgainAfterABreak(t *testing.T) {
	url := database(t)
	sender, listener := openAt(t, url), openAt(t, url)
	heard, connected := make(chan string, 2000), make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(t.Context())
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		listener.Listen(ctx, func(payload string) { heard <- payload }, func() { connected <- struct{}{} })
	}()
	<-connected
	signal := func(payload string) {
		if err := sender.Signal(t.Context(), payload); err != nil {
			t.Fatal(err)
		}
	}
	for range 999 {
		signal("more")
	}
	signal("last")
	n := 0
	for got := ""; got != "last"; n++ {
		got = <-heard
	}
	if n > 1000 {
		t.Errorf("1000 signals were heard %d times", n)
	}
	err := server.Exec(t.Context(), `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query = 'LISTEN quintet' AND datname = $1`, texts(t, sender, `SELECT current_database()`)[0])
	if err != nil {
		t.Fatal(err)
	}
	<-connected
	signal("again")
	if got := <-heard; got != "again" {
		t.Errorf("got %q, want again", got)
	}
	cancel()
	<-listening
	until(t, "the connection to end", func() bool {
		return len(texts(t, sender, `SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN quintet' AND datname = current_database()`)) == 0
	})
}
