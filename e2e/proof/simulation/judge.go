package simulation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/store"
)

// judge holds the rules, and checks them from the outside: in the database, the log,
// and the witnesses.
type judge struct {
	w         *world
	db        *store.DB
	orders    []order
	nudges    map[string][]string        // by order: those that were answered well
	replies   map[string]string          // by nudge: its reply
	reused    map[string]map[string]bool // by key that two nudges have: those that were refused
	applied   map[string][]string        // by key: the nudges that were answered well
	parked    parked
	holders   holders
	unkeyed   int
	crowd     int             // keys of a burst
	committed map[string]bool // events that were ever in the outbox
	outbox    map[string]bool // events that are in it now
	positions map[string]int64
}

func newJudge(w *world) *judge {
	return &judge{w: w, nudges: map[string][]string{}, replies: map[string]string{}, reused: map[string]map[string]bool{}, applied: map[string][]string{}, parked: newParked(), holders: newHolders(), committed: map[string]bool{}, positions: map[string]int64{}}
}

// number reads one number from the database.
func (j *judge) number(query string) (n int64) {
	if err := j.db.Read().QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		panic(fmt.Sprintf("%s: %v", query, err)) // the file is there, and its tables
	}
	return n
}

// left reads everything that the judge checks after each commit. It is one statement,
// since the commits are many.
const left = `SELECT
	(SELECT coalesce(group_concat(id, char(10)), '') FROM outbox WHERE key <> ''),
	(SELECT coalesce(group_concat(id, ' '), '') FROM outbox WHERE key = ''),
	(SELECT coalesce(group_concat(claim || '=' || next_offset, ' '), '') FROM positions),
	(SELECT count(*) FROM streams WHERE emitted = 0 AND made = 0 AND seen = '' AND correlation = ''),
	` + parkedRows + `, ` + callRows + `, `

// observe checks the database after a process's commit.
func (j *judge) observe(by *process) {
	delete(j.holders.doubt, by.instance)
	query := left + leaseRows
	var keyed, unkeyed, positions, lanes, calls, leases string
	var empty int
	if err := j.db.Read().QueryRowContext(context.Background(), query).Scan(&keyed, &unkeyed, &positions, &empty, &lanes, &calls, &leases); err != nil {
		panic(err) // the file is there, and its tables
	}
	if empty > 0 {
		j.w.violate("%s left %d rows in streams about nothing", by, empty)
	}
	now := map[string]bool{}
	for line := range strings.Lines(keyed) {
		id := strings.TrimSuffix(line, "\n")
		if now[id] = true; j.committed[id] && !j.outbox[id] {
			j.w.violate("%s is in the outbox again", id)
		}
		j.committed[id] = true
	}
	j.outbox = now
	for _, id := range strings.Fields(unkeyed) {
		j.committed[id] = true // one without a key may be a dead letter twice, for it may be delivered twice
	}
	for _, p := range strings.Fields(positions) {
		claim, next, _ := strings.Cut(p, "=")
		offset, _ := strconv.ParseInt(next, 10, 64) // a number of the database's
		if offset < j.positions[claim] {
			j.w.violate("position of %s went back from %d to %d", claim, j.positions[claim], offset)
		}
		j.positions[claim] = offset
	}
	j.lanes(lanes)
	j.leases(leases)
	j.calls(by, calls)
}

// marked checks the positions that the broker gets: never more than is committed.
func (j *judge) marked(p *process, c partition, next int64) {
	if p.gone() {
		return
	}
	if stored := j.positions[fmt.Sprintf("%s/%d", c.topic, c.n)]; next > stored {
		j.w.violate("%s marked %d of %v, and %d is stored", p, next, c, stored)
	}
}

// rest reports why the world is not at rest; empty when it is.
func (j *judge) rest() string {
	w := j.w
	for _, c := range w.group.claims {
		if at, end := j.positions[fmt.Sprintf("%s/%d", c.topic, c.n)], w.topics.end(c.topic, c.n); at != end {
			return fmt.Sprintf("%v is read to %d of %d", c, at, end)
		}
	}
	for _, table := range []string{"outbox", "effects", "timers"} {
		if n := j.number(`SELECT count(*) FROM ` + table); n > 0 {
			return fmt.Sprintf("%d rows in %s", n, table)
		}
	}
	if n := j.number(`SELECT count(*) FROM parked`); j.w.mended && n != j.unreadable() {
		return fmt.Sprintf("%d inputs are parked, and %d should be", n, j.unreadable())
	}
	if n := j.number(`SELECT count(*) FROM parked p WHERE dead = 0 AND n = (SELECT min(n) FROM parked h WHERE h.lane = p.lane AND h.key = p.key)`); n > 0 {
		return fmt.Sprintf("%d lanes will be tried again", n)
	}
	if w.busy > 0 || len(w.outside.late)+len(w.landing) > 0 {
		return fmt.Sprintf("%d feeders and customers are busy, %d requests under way, %d commits", w.busy, len(w.outside.late), len(w.landing))
	}
	for _, p := range w.live {
		if missing := p.engine.Missing(); len(missing) > 0 {
			w.seen("a service that had nothing else to do was not ready yet")
			return fmt.Sprintf("%s is not ready: %q", p, missing)
		}
	}
	return ""
}

// unreadable counts the records that stay parked: the unreadable ones, and those behind
// them.
func (j *judge) unreadable() (n int64) {
	for _, o := range j.orders {
		if o.garbage {
			n += 1 + int64(o.shop)
		} else {
			n += int64(o.unreadable)
		}
	}
	return n
}

func (j *judge) till(key string) Till {
	t, err := tills.Table.Find(context.Background(), j.db.Read(), `key = ?`, key)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		panic(err)
	}
	return t
}

func (j *judge) decode(r record.Record, into any) error {
	writer, err := j.w.codecs["till"].Writer(context.Background(), r.Value, header(r, "ce_dataschema"))
	if err != nil {
		return err
	}
	return writer.Decode(into)
}

func header(r record.Record, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// count is "1 2 3 " for 3.
func count(n int) (s string) {
	for i := range n {
		s += strconv.Itoa(i+1) + " "
	}
	return s
}
