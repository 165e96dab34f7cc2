package engine_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
)

// Due times are read on the wall clock, which may be set forward by a day. What that
// does to what is due is done here to the row, behind the follower's back. Each
// follower looks every two seconds; some more is for a busy machine.
const soon = 6 * time.Second

func TestClockSetForwardIsSeenWithinAPoll(t *testing.T) {
	for name, c := range map[string]struct {
		table string
		begin func(w *world) *process // leaves one row that is due in an hour
		done  func(w *world) bool
	}{
		"timer": {"timers", func(w *world) *process {
			p := w.start()
			p.add("k", 1, "")
			w.exec(fmt.Sprintf(`INSERT INTO timers (id, key, name, due, body, causation, traceparent, shard) VALUES ('Nap/k', 'k', 'Nap', %d, '{"Amount":2}', '', '', -1)`, time.Now().Add(time.Hour).UnixMicro()))
			w.exec(`UPDATE timers SET shard = 0 WHERE shard = -1`) // but for a trigger of PostgreSQL's
			return p
		}, func(w *world) bool { return w.trail("k") == "1 nap2" }},
		"parked lane": {"parked", func(w *world) *process {
			w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: 5}
			w.broken.Store(true)
			p := w.start()
			p.add("k", 1, "broken")
			eventually(w.t, "it is parked", func() bool { return w.count("parked") == "1" })
			w.broken.Store(false)
			return p
		}, func(w *world) bool { return w.trail("k") == "1" }},
		"call": {"effects", func(w *world) *process {
			var away atomic.Bool
			away.Store(true)
			w.callHandlers = []flow.CallHandler{ringWith(flow.Policy{Timeout: time.Second}, func(_ context.Context, _ flow.Call, r Ring) (Rung, error) {
				if away.Load() {
					return Rung{}, errNotSent
				}
				return Rung{Bell: r.Bell}, nil
			})}
			p := w.start()
			p.add("k", 1, "ring")
			eventually(w.t, "it waits for its next attempt", func() bool { return w.one(`SELECT count(*) FROM effects WHERE attempts > 2`) == "1" })
			w.exec(fmt.Sprintf(`UPDATE effects SET due = %d`, time.Now().Add(time.Hour).UnixMicro()))
			eventually(w.t, "its attempt is over", func() bool { return w.one(`SELECT count(*) FROM effects WHERE due > 0`) == "1" })
			away.Store(false)
			return p
		}, func(w *world) bool { return w.trail("k") == "1 rung1" }},
		"refused event": {"outbox", func(w *world) *process {
			p := w.start()
			w.log.Fail(func(string) error { return fmt.Errorf("too large: %w", engine.ErrRefused) })
			p.add("k", 1, "")
			eventually(w.t, "it is refused", func() bool { return w.one(`SELECT count(*) FROM outbox WHERE due > 0`) == "1" })
			w.log.Fail(nil)
			return p
		}, func(w *world) bool { return w.count("outbox") == "0" }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := c.begin(w)
			p.taken()
			equal(t, "rows", w.count(c.table), "1")
			began := time.Now()
			w.exec(`UPDATE ` + c.table + ` SET due = 1`)
			eventually(t, "it is done", func() bool { return c.done(w) })
			if took := time.Since(began); took > soon {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A clock that is set back leaves a timer due in an hour, and that is when it fires:
// by the clock that it was set by. Polls meanwhile find it, and do not take it.
func TestTimerFiresNoSoonerThanItsClockSays(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	began := time.Now()
	p.add("k", 2300, "nap") // after the first poll, and within the look ahead of the second
	p.add("back", 10_000, "nap")
	p.taken()
	w.exec(fmt.Sprintf(`UPDATE timers SET due = %d WHERE key = 'back'`, time.Now().Add(time.Hour).UnixMicro()))
	eventually(t, "the near one fires", func() bool { return w.trail("k") == "2300 nap2300 nap1300 nap300" })
	if took := time.Since(began); took < 2300*time.Millisecond {
		t.Errorf("fired after %v", took)
	}
	equal(t, "the other", w.trail("back"), "10000")
	equal(t, "timers left", w.count("timers"), "1")
}

// Leases end by counters and by the clock of the process that looks. A time that is
// compared in SQL, or a column that holds one for a lease, would be another host's.
func TestNoStatementAsksTheDatabasesClock(t *testing.T) {
	asks := regexp.MustCompile(`(?i)\bnow\(\)|clock_timestamp|transaction_timestamp|statement_timestamp|current_time|current_date|localtime|timeofday|strftime|julianday|unixepoch|datetime\(|\buntil\b`)
	files := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "simulation/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for i, line := range strings.Split(string(text), "\n") {
			sql, comment, _ := strings.Cut(line, "--")
			if strings.HasPrefix(path, "migrations/") {
				if strings.HasPrefix(line, "--postgres:") {
					sql = strings.TrimPrefix(line, "--postgres:")
				} else if strings.HasPrefix(line, "--sqlite:") {
					sql = comment
				}
				switch path {
				case "migrations/shared/0001_leases.sql": // the version before, whose columns are still there
					continue
				case "migrations/shared/0003_version_before.sql", "migrations/shared/0004_beats.sql": // and its clock
					continue
				}
				sql = strings.ReplaceAll(sql, "ALTER COLUMN until SET DEFAULT 0", "")
			} else if !inSQL.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), "//") {
				continue
			}
			if word := asks.FindString(sql); word != "" {
				t.Errorf("%s:%d asks a clock (%s): %s", path, i+1, word, line)
			}
		}
		return nil
	})
	if err != nil || files < 30 {
		t.Fatalf("read %d files: %v", files, err)
	}
}

// inSQL tells a line of a statement from Go: its words are spelled large.
var inSQL = regexp.MustCompile(`\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|SET|AND|VALUES|CONFLICT|RETURNING|ORDER BY|CASE|WHEN)\b`)
