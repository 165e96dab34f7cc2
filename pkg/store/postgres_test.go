//go:build containers

package store_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/containers"
	"github.com/quintet-eda/quintet/pkg/store"
)

// server is the PostgreSQL server of this run; each test has a database of its own.
var server *containers.Postgres

func TestMain(m *testing.M) { os.Exit(withServer(m)) }

func withServer(m *testing.M) (code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var err error
	if server, err = containers.StartPostgres(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := server.Stop(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	return m.Run()
}

func TestPostgreSQL(t *testing.T) {
	suite(t, func(t *testing.T) *store.DB {
		t.Helper()
		return openAt(t, database(t))
	})
}

// database makes an empty database and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	url, err := server.Database(t.Context(), "store")
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// pid is the server's process for a transaction.
func pid(t *testing.T, tx *store.Tx) (pid int) {
	t.Helper()
	err := tx.Each(t.Context(), func(scan func(...any) error) error { return scan(&pid) }, `SELECT pg_backend_pid()`)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func terminate(t *testing.T, pid int) {
	t.Helper()
	if err := server.Exec(t.Context(), `SELECT pg_terminate_backend($1, 5000)`, pid); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition that the server brings about.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	over := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

func TestSessionsSayWhatTheyPromise(t *testing.T) {
	db := openAt(t, database(t)+"&tcp_user_timeout=9s")
	if !db.Shared() {
		t.Error("a server's database is said to be one process's own")
	}
	const query = `SELECT name || '=' || current_setting(name) FROM pg_settings WHERE name IN ({keys}) ORDER BY name`
	names := store.Keys([]string{
		"transaction_isolation", "idle_in_transaction_session_timeout", "transaction_timeout", "tcp_keepalives_idle",
		"tcp_user_timeout", "synchronous_commit", "transaction_read_only", "enable_seqscan",
	})
	var writer []string
	tx := begin(t, db)
	err := tx.Each(t.Context(), func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		writer = append(writer, s)
		return err
	}, query, names)
	if err != nil {
		t.Fatal(err)
	}
	tx.Rollback(nil)
	want := []string{
		"enable_seqscan=off", "idle_in_transaction_session_timeout=3s", "synchronous_commit=on", "tcp_keepalives_idle=5",
		"tcp_user_timeout=9000", "transaction_isolation=read committed", "transaction_read_only=off", "transaction_timeout=40s",
	}
	if diff := cmp.Diff(want, writer); diff != "" {
		t.Error(diff)
	}
	want[2], want[6] = "synchronous_commit=off", "transaction_read_only=on"
	if diff := cmp.Diff(want, texts(t, db, query, names)); diff != "" {
		t.Error(diff)
	}
}

func TestADatabaseOfAnotherOrderIsRefused(t *testing.T) {
	err := server.Exec(t.Context(), `CREATE DATABASE english TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'`)
	if err != nil {
		t.Fatal(err)
	}
	url := "postgres://postgres:postgres@" + server.Address() + "/english?sslmode=disable"
	if _, err := store.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), "LOCALE 'C'") {
		t.Errorf("got %v", err)
	}
}

func TestConnectErrorHidesThePassword(t *testing.T) {
	for _, url := range []string{"postgres://order:s3cret@127.0.0.1:1/order", "postgres://order:s3cret@127.0.0.1:port/order", "postgres://order:wrong-s3cret@" + server.Address() + "/order"} {
		_, err := store.Open(t.Context(), url)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v", err)
		}
	}
}

// A batch finds its rows by key, also when the server planned the statement
// while the table was empty or small, and keeps that plan.
func TestLoadByKeysUsesIndexAfterTableGrowth(t *testing.T) {
	for name, rowsBefore := range map[string]int{"planned on an empty table": 0, "planned on a small table": 3, "planned on a large table": 100_000} {
		t.Run(name, func(t *testing.T) {
			db := migrate(t, openAt(t, database(t)), marks)
			keys := make([]string, 500)
			for i := range keys {
				keys[i] = fmt.Sprintf("key-%d", i*400)
			}
			const grow = `INSERT INTO marks (id, n) SELECT 'key-' || i, i FROM generate_series(?::int, ?::int - 1) i`
			run(t, db, grow, 0, rowsBefore)
			run(t, db, `ANALYZE marks`)
			load := func() (found int) {
				tx := begin(t, db)
				if err := tx.Each(t.Context(), func(func(...any) error) error { found++; return nil }, loadMarks, store.Keys(keys)); err != nil {
					t.Fatal(err)
				}
				commit(t, tx)
				return found
			}
			for range 10 {
				load()
			}
			run(t, db, grow, rowsBefore, 200_000)
			if found := load(); found != 500 {
				t.Fatalf("found %d rows, want 500", found)
			}
			if plan := keptPlan(t, db); !strings.Contains(plan, "Index Cond: (id = ANY") || strings.Contains(plan, "Seq Scan") {
				t.Errorf("the plan reads more than the keys:\n%s", plan)
			}
		})
	}
}

const loadMarks = `SELECT id, n FROM marks WHERE id IN ({keys}) ORDER BY id {lock}`

// keptPlan is the plan that the server keeps for loadMarks.
func keptPlan(t *testing.T, db *store.DB) string {
	t.Helper()
	tx := begin(t, db)
	defer tx.Rollback(nil)
	var lines []string
	line := func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		lines = append(lines, s)
		return err
	}
	err := tx.Each(t.Context(), line, `SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT id, n FROM marks%' AND generic_plans > 10`)
	if err != nil || len(lines) != 1 {
		t.Fatalf("no generic plan was kept: %v", err)
	}
	explain := `EXPLAIN EXECUTE ` + lines[0] + `('["key-1"]')`
	lines = nil
	if err := tx.Each(t.Context(), line, explain); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
