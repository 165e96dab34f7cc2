//go:build containers

package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/quintet-eda/quintet/pkg/containers"
	"github.com/quintet-eda/quintet/pkg/store"
)

func TestTwoInstancesMigrateAtOnce(t *testing.T) {
	for range 10 {
		url := database(t)
		var starting sync.WaitGroup
		for _, db := range []*store.DB{openAt(t, url), openAt(t, url)} {
			starting.Go(func() {
				for _, set := range []string{"kit", "own"} {
					if err := db.Migrate(t.Context(), set, tables(
						`CREATE TABLE `+set+`_a (id TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO `+set+`_a (id) VALUES ('once');`,
						`ALTER TABLE `+set+`_a ADD COLUMN n BIGINT NOT NULL DEFAULT 0;`)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		starting.Wait()
		if got := texts(t, openAt(t, url), `SELECT id FROM own_a WHERE n = 0`); len(got) != 1 {
			t.Fatalf("the migration ran %d times", len(got))
		}
	}
}

func TestTheVersionBeforeWorksBesideTheNextOne(t *testing.T) {
	const each = 200
	url := database(t)
	before := migrate(t, openAt(t, url), marks)
	var working sync.WaitGroup
	started := make(chan struct{})
	working.Go(func() {
		for i := range each {
			if i == each/4 {
				close(started) // the schema changes under its feet
			}
			if err := try(t, before, `INSERT INTO marks (id, n) VALUES (?, ?)`, fmt.Sprintf("old-%d", i), i); err != nil {
				t.Errorf("before: %v", err)
			}
		}
	})
	<-started
	next := migrate(t, openAt(t, url), later)
	again := migrate(t, openAt(t, url), marks) // an instance of the version before restarts
	working.Go(func() {
		for i := range each {
			if err := try(t, next, `INSERT INTO marks (id, n, colour) VALUES (?, ?, ?)`, fmt.Sprintf("new-%d", i), i, "red"); err != nil {
				t.Errorf("next: %v", err)
			}
		}
	})
	working.Go(func() {
		for i := range each {
			if err := try(t, again, `INSERT INTO marks (id, n) VALUES (?, ?)`, fmt.Sprintf("again-%d", i), i); err != nil {
				t.Errorf("again: %v", err)
			}
		}
	})
	working.Wait()
	got := texts(t, next, `SELECT colour || ' ' || count(*) FROM marks GROUP BY colour ORDER BY colour`)
	if diff := cmp.Diff([]string{"grey 400", "red 200"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAServiceCannotReadTheOthersDatabases(t *testing.T) {
	deployed, err := containers.StartPostgres(t.Context(), "../../deploy/postgres/init.sh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := deployed.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	services := []string{"order", "inventory", "payment", "shipping", "email"}
	url := func(login, database string) string {
		return "postgres://" + login + ":" + login + "@" + deployed.Address() + "/" + database + "?sslmode=disable"
	}
	for _, s := range services {
		db := migrate(t, openAt(t, url(s, s)), marks)
		write(t, db, []string{"secret"})
		for _, query := range []string{`CREATE DATABASE more`, `CREATE ROLE more`, `ALTER ROLE ` + pgx.Identifier{s}.Sanitize() + ` SUPERUSER`, `COPY marks FROM PROGRAM 'id'`} {
			conn, err := pgx.Connect(t.Context(), url(s, s))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), query); err == nil {
				t.Errorf("%s may %s", s, query)
			}
			_ = conn.Close(t.Context())
		}
	}
	for _, s := range services {
		for _, other := range append([]string{"postgres", "template1"}, services...) {
			if other == s {
				continue
			}
			conn, err := pgx.Connect(t.Context(), url(s, other))
			if err == nil {
				t.Errorf("%s can connect to the database of %s", s, other)
				_ = conn.Close(t.Context())
			}
		}
	}
}

func TestBatchesThatWantTheSameKeysNeverDeadlock(t *testing.T) {
	url := database(t)
	keys := make([]string, 500)
	for i := range keys {
		keys[i] = fmt.Sprintf("key-%d", i)
	}
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	write(t, migrate(t, openAt(t, url), marks), keys)
	var loading sync.WaitGroup
	for range 2 {
		db := openAt(t, url)
		mine := append([]string(nil), keys...)
		loading.Go(func() {
			for range 1000 {
				rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				tx, err := db.Begin(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				err = tx.Each(t.Context(), func(func(...any) error) error { return nil }, `SELECT id FROM marks WHERE id IN ({keys}) ORDER BY id {lock}`, store.Keys(mine))
				tx.Rollback(err)
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	loading.Wait()
}

func TestATransactionThatIdlesLetsGoOfItsLocks(t *testing.T) {
	url := database(t)
	write(t, migrate(t, openAt(t, url), marks), []string{"a"})
	paused := openAt(t, url+"&idle_in_transaction_session_timeout=300ms")
	tx := begin(t, paused)
	exec(t, tx, `UPDATE marks SET n = ? WHERE id = ?`, 7, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	other, err := openAt(t, url).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Exec(ctx, `UPDATE marks SET n = n + ? WHERE id = ?`, 1, "a"); err != nil {
		t.Fatalf("whoever waits for a paused process: %v", err)
	}
	commit(t, other)
	err = tx.Exec(t.Context(), `UPDATE marks SET n = ? WHERE id = ?`, 8, "a")
	if !store.Transient(err) {
		t.Errorf("the paused process wakes up: got %v, want a transient error", err)
	}
	tx.Rollback(err)
	run(t, paused, `UPDATE marks SET n = n + ? WHERE id = ?`, 1, "a")
	if got := texts(t, paused, `SELECT n FROM marks`); got[0] != "2" {
		t.Errorf("n: got %s, want 2", got[0])
	}
}

func TestACommitThatTheServerRefusesDidNotHappen(t *testing.T) {
	url := database(t)
	db := migrate(t, openAt(t, url), tables(`CREATE TABLE pairs (id TEXT UNIQUE DEFERRABLE INITIALLY DEFERRED);`))
	tx := begin(t, db)
	exec(t, tx, `INSERT INTO pairs (id) VALUES (?), (?)`, "a", "a")
	if err := tx.Commit(t.Context()); err == nil || errors.Is(err, store.ErrUnknownOutcome) || store.Transient(err) {
		t.Errorf("a key twice: got %v", err)
	}
	// Each reads what the other writes: only one of them can have been first.
	strict := url + "&default_transaction_isolation=serializable"
	a, b := begin(t, openAt(t, strict)), begin(t, openAt(t, strict))
	for _, tx := range []*store.Tx{a, b} {
		if err := tx.Each(t.Context(), func(func(...any) error) error { return nil }, `SELECT id FROM pairs`); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, a, `INSERT INTO pairs (id) VALUES (?)`, "a")
	exec(t, b, `INSERT INTO pairs (id) VALUES (?)`, "b")
	commit(t, a)
	if err := b.Commit(t.Context()); err == nil || errors.Is(err, store.ErrUnknownOutcome) || !store.Transient(err) {
		t.Errorf("a conflict: got %v", err)
	}
	if got := texts(t, db, `SELECT id FROM pairs`); len(got) != 1 {
		t.Errorf("rows: got %q", got)
	}
}
