//go:build containers

package engine_test

import (
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

// These tests write and read as the version before does, on the database of this one.
// Whole processes of both versions meet in `make upgrade`.

func TestBeforeItsShardIsFilledIn(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"", "k", "a long key of many words", "ключ", "019a9c1e-6b0f-7f00-8000-0123456789ab"} {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(key))
		equal(t, "shard of "+key, w.one(`SELECT quintet_shard(?)`, key), strconv.Itoa(int(sum.Sum32()%12)))
	}
}

func TestBeforeItsRowsAreDone(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO outbox (id, topic, key, seq, headers, value) VALUES ('o2', 'tally.events', 'k', 1, '[]', 'x'), ('o1', 'tally.events', 'k', 2, '[]', 'y') ON CONFLICT (id) DO NOTHING`)
	w.exec(`INSERT INTO effects (id, key, n, name, body, started, causation, traceparent) VALUES ('e', 'k', 1, 'Unknown', '{}', 0, '', '') ON CONFLICT (id) DO NOTHING`)
	w.exec(`INSERT INTO timers (id, key, name, due, body, causation, traceparent) VALUES ('Nap/k', 'k', 'Nap', 1, '{"Amount":7}', '', '') ON CONFLICT (id) DO UPDATE SET due = excluded.due`)
	w.exec(parkedBefore)
	p := w.start()
	eventually(t, "it is done", func() bool {
		return w.count("outbox") == "0" && w.count("timers") == "0" && w.count("parked") == "0" && p.lines.count("this version cannot") == 1
	})
	equal(t, "published first", string(w.log.Records()[0].Value), "x")
	equal(t, "the lane, in its order", w.trail("lane"), "nap1 nap2 nap3")
}

// parkedBefore parks a lane of three as one statement of the version before.
const parkedBefore = `INSERT INTO parked (lane, key, n, input_id, input, cause, attempts, dead) VALUES
	('timer Nap', 'lane', 1, 'i1', '{"kind":"timer","name":"Nap","id":"i1","key":"lane","body":{"Amount":1}}', 'broken', 1, 0),
	('timer Nap', 'lane', 2, 'i2', '{"kind":"timer","name":"Nap","id":"i2","key":"lane","body":{"Amount":2}}', '', 0, 0),
	('timer Nap', 'lane', 3, 'i3', '{"kind":"timer","name":"Nap","id":"i3","key":"lane","body":{"Amount":3}}', '', 0, 0)
	ON CONFLICT (lane, key, n) DO UPDATE SET cause = excluded.cause, attempts = excluded.attempts, dead = excluded.dead`

func TestBeforeItsLanesKeepOneHead(t *testing.T) {
	w := newWorld(t)
	heads := func() string {
		return w.one(`SELECT coalesce(string_agg(n || ':' || shard, ' '), '') FROM parked WHERE due < 4611686018427387904`)
	}
	w.exec(parkedBefore)
	shard := w.one(`SELECT quintet_shard('lane')`)
	equal(t, "heads", heads(), "1:"+shard)
	w.exec(parkedBefore) // the head failed again
	equal(t, "heads", heads(), "1:"+shard)
	w.exec(`DELETE FROM parked WHERE lane = 'timer Nap' AND key = 'lane' AND n = 1`)
	equal(t, "heads", heads(), "2:"+shard)
	w.exec(`DELETE FROM parked WHERE lane = 'timer Nap' AND key = 'lane' AND n IN (2, 3)`)
	equal(t, "heads", heads(), "")
}

// It trusts its memory for a key that it wrote last. It must not where this version
// wrote since.
func TestBeforeItReadsWhatIsWrittenHere(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.add("k", 1, "")
	p.taken()
	w.exec(`UPDATE streams SET emitted = 2, writer = 'its own' WHERE key = 'k'`)
	equal(t, "writer, where it wrote", w.one(`SELECT writer FROM streams WHERE key = 'k'`), "its own")
	p.add("k", 2, "")
	p.taken()
	equal(t, "writer, where this version did", w.one(`SELECT writer FROM streams WHERE key = 'k'`), "table")
}

func TestBeforeItsInstanceIsAlive(t *testing.T) {
	w := newWorld(t)
	enter := func() {
		w.exec(`INSERT INTO instances (id, process, until) VALUES ('before', 'p', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 8000000)
			ON CONFLICT (id) DO UPDATE SET process = excluded.process, until = excluded.until`)
	}
	enter()
	a := w.instance("a")
	balanced(t, 6, a)
	expires := func() bool {
		enter()
		return w.one(`SELECT count(*) FROM leases WHERE holder = 'a' AND until < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 5000000`) != "0"
	}
	for begun := time.Now(); time.Since(begun) < 10*time.Second; { // longer than a counter may stand still
		if expires() {
			t.Fatal("a lease that this version holds would be taken")
		}
		equal(t, "shards, as long as the other says its word", a.shards(), 6)
	}
	equal(t, "instances that it sees alive", w.one(`SELECT count(*) FROM instances WHERE until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`), "2")
	a.stop()
	equal(t, "leases that it may take", w.one(`SELECT count(*) FROM leases WHERE until = 0`), "12")
	w.instance("b")
	eventually(t, "its counter stands still, and it counts as dead", func() bool { return w.one(`SELECT count(*) FROM leases WHERE holder = 'b'`) == "12" })
}

func TestBeforeAndNowShareForeignEvents(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	foreign := func(id, source string) {
		r := w.record(Added{Tally: "k", Amount: 1}, id, 0)
		r.Headers = append(r.Headers, record.Header{Name: "ce_source", Value: source})
		p.send(r)
		p.taken()
	}
	foreign("x", "/elsewhere")
	equal(t, "what it looks for", w.one(`SELECT status FROM inbox WHERE id = 'x'`), "applied")
	foreign("x", "/quintet/feeder") // the owner's own, which it would have passed over
	foreign("x", "/elsewhere")
	equal(t, "trail", w.trail("k"), "1 1")
	w.exec(`INSERT INTO inbox (id, status) VALUES ('y', 'applied') ON CONFLICT (id) DO UPDATE SET status = excluded.status`)
	foreign("y", "/elsewhere")
	p.drained()
	equal(t, "trail", w.trail("k"), "1 1")
	dead, _ := w.published("tally.dead-letter")
	equal(t, "dead letters", len(dead), 1)
	equal(t, "why", strings.Contains(header(dead[0], "dl_cause"), "kept no source"), true)
}

// The batches of the version before, and those who look at its tables, go on while
// they are migrated. None is in the way of the other for good, which the server
// would end as a deadlock.
func TestBeforeItsBatchesMeetTheMigration(t *testing.T) {
	t.Parallel()
	where := database(t)
	db := tablesBefore(t, where)
	batch := []string{
		`INSERT INTO streams (key, emitted, made, seen, correlation, tenant) VALUES ('<n>', 0, 0, '', '', '') ON CONFLICT (key) DO NOTHING`,
		`SELECT shard, epoch FROM leases WHERE shard = 1 FOR KEY SHARE`, `SELECT key FROM streams WHERE key = '<n>' FOR UPDATE`,
		`SELECT id FROM inbox WHERE id = 'x'`, `SELECT lane FROM parked WHERE key = '<n>'`, `SELECT id FROM effects WHERE id = 'x'`, `SELECT due FROM timers WHERE id = 'x'`,
		`UPDATE streams SET emitted = emitted + 1 WHERE key = '<n>'`, `INSERT INTO inbox (id, status) VALUES (CAST(gen_random_uuid() AS TEXT), 'applied')`,
		`INSERT INTO outbox (id, topic, key, seq, headers, value) SELECT CAST(gen_random_uuid() AS TEXT), 'tally.events', key, emitted, '[]', 'x' FROM streams WHERE key = '<n>'`,
		`INSERT INTO timers (id, key, name, due, body, causation, traceparent) VALUES ('Nap/<n>', '<n>', 'Nap', 1, '', '', '') ON CONFLICT (id) DO UPDATE SET due = timers.due + 1`,
		`DELETE FROM effects WHERE id = 'x'`, `DELETE FROM timers WHERE id = 'x'`,
	}
	sweep := []string{`SELECT id FROM outbox UNION ALL SELECT id FROM effects UNION ALL SELECT id FROM timers WHERE key <> '<n>'`}
	flush := []string{`DELETE FROM outbox WHERE id = '<n>'`}
	look := []string{`INSERT INTO instances (id, process, until) VALUES ('<n>', 'p', 1) ON CONFLICT (id) DO UPDATE SET until = instances.until + 1`, `UPDATE leases SET until = 1 WHERE shard = <n>`}
	leave := []string{`UPDATE leases SET until = 0 WHERE shard = <n>`, `DELETE FROM instances WHERE id = '<n>'`}
	begun, over := make(chan struct{}), make(chan struct{})
	var working sync.WaitGroup
	for n, statements := range [][]string{batch, batch, sweep, flush, look, look, leave} {
		own, err := store.Open(t.Context(), where)
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		working.Go(func() {
			for {
				if err := transact(t, own, statements, n); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-over:
					return
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 100 {
		<-begun
	}
	if err := engine.Migrate(t.Context(), db, "own", fstest.MapFS{"0001_tallies.sql": {Data: []byte(tables)}}); err != nil {
		t.Error(err)
	}
	for range 100 {
		<-begun
	}
	close(over)
	working.Wait()
	w := &world{t: t, db: db}
	equal(t, "rows of no shard", w.one(`SELECT (SELECT count(*) FROM outbox WHERE shard < 0) + (SELECT count(*) FROM timers WHERE shard < 0)`), "0")
	equal(t, "events out of order", w.one(`SELECT count(*) FROM outbox a JOIN outbox b ON a.key = b.key AND a.seq < b.seq AND a.n > b.n`), "0")
}

// transact runs statements as number n of those who do, the same again each time.
func transact(t *testing.T, db *store.DB, statements []string, n int) error {
	tx, err := db.Begin(t.Context())
	if err != nil {
		return err
	}
	for _, s := range statements {
		if err := tx.Exec(t.Context(), strings.ReplaceAll(s, "<n>", strconv.Itoa(n))); err != nil {
			tx.Rollback(err)
			return err
		}
	}
	return tx.Commit(t.Context())
}
