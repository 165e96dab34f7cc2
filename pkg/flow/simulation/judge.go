package simulation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

// judge knows what must be true, and looks from the outside: at the database, the
// log, and the witnesses.
type judge struct {
	w         *world
	db        *store.DB
	orders    []order
	nudges    map[string][]string // by order: those that were answered well
	unkeyed   int
	committed map[string]bool // events that were ever in the outbox
	outbox    map[string]bool // those that are
	positions map[string]int64
}

func newJudge(w *world) *judge {
	return &judge{w: w, nudges: map[string][]string{}, committed: map[string]bool{}, positions: map[string]int64{}}
}

// text reads one text from the database.
func (j *judge) text(query string, args ...any) string {
	var s string
	if err := j.db.Read().QueryRowContext(context.Background(), query, args...).Scan(&s); err != nil {
		panic(fmt.Sprintf("%s: %v", query, err)) // the file is there, and its tables
	}
	return s
}

func (j *judge) number(query string, args ...any) int64 {
	n, err := strconv.ParseInt(j.text(query, args...), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// observe sees what a commit has left.
func (j *judge) observe() {
	now := map[string]bool{}
	for _, id := range strings.Fields(j.text(`SELECT coalesce(group_concat(id, ' '), '') FROM outbox WHERE key <> ''`)) {
		if now[id] = true; j.committed[id] && !j.outbox[id] {
			j.w.violate("%s is in the outbox again", id)
		}
		j.committed[id] = true
	}
	j.outbox = now
	for _, id := range strings.Fields(j.text(`SELECT coalesce(group_concat(id, ' '), '') FROM outbox WHERE key = ''`)) {
		j.committed[id] = true // one without a key may be a dead letter twice, for it may be delivered twice
	}
	for _, p := range strings.Fields(j.text(`SELECT coalesce(group_concat(claim || '=' || next_offset, ' '), '') FROM positions`)) {
		claim, next, _ := strings.Cut(p, "=")
		offset, _ := strconv.ParseInt(next, 10, 64) // a number of the database's
		if offset < j.positions[claim] {
			j.w.violate("position of %s went back from %d to %d", claim, j.positions[claim], offset)
		}
		j.positions[claim] = offset
	}
}

// marked sees what the broker is told: never more than is committed.
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
		if at, end := j.positions[fmt.Sprintf("%s/%d", c.topic, c.n)], int64(len(w.topics.logs[c.topic][c.n])); at != end {
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
	return ""
}

// unreadable counts the records that stay parked: garbage, and those behind it.
func (j *judge) unreadable() (n int64) {
	for _, o := range j.orders {
		if o.garbage {
			n += 1 + int64(o.shop)
		}
	}
	return n
}

// verdict holds what can be seen at rest against what must be.
func (j *judge) verdict() {
	said := map[string][]flow.Record{}
	first := map[string]flow.Record{}
	for _, r := range j.w.topics.all("till.events") {
		id := header(r, "ce_id")
		if before, again := first[id]; again {
			j.w.seen("an event was published again")
			if string(before.Value) != string(r.Value) || header(before, "ce_sequence") != header(r, "ce_sequence") {
				j.w.violate("two records have the id %s and differ", id)
			}
			continue
		}
		first[id] = r
		said[r.Key] = append(said[r.Key], r)
	}
	for _, o := range j.orders {
		j.order(o, said[o.key])
		delete(said, o.key)
	}
	for key := range said {
		j.w.violate("events of %q, which nobody ordered", key)
	}
	j.deadLetters()
}

func (j *judge) order(o order, said []flow.Record) {
	wrong := func(format string, args ...any) { j.w.violate(o.key+": "+format, args...) }
	t := j.till(o.key)
	shop := o.shop
	if o.garbage {
		shop = 0
	}
	if want := count(shop); t.Shop != want {
		wrong("the shop's facts were applied as %q, and are %q", t.Shop, want)
	}
	if want := count(o.room); t.Room != want {
		wrong("the room's facts were applied as %q, and are %q", t.Room, want)
	}
	nudged, answered := strings.Fields(t.Nudged), j.nudges[o.key]
	slices.Sort(nudged)
	slices.Sort(answered)
	if !slices.Equal(nudged, answered) {
		wrong("nudged by %q, and told so %q", nudged, answered)
	}
	words := strings.Split(strings.TrimSuffix(t.Words, "; "), "; ")
	for i, r := range said {
		var n noted
		if err := j.decode(r, &n); err != nil {
			wrong("event cannot be read: %v", err)
		} else if header(r, "ce_correlationid") != "story "+o.key {
			wrong("event %d belongs to %q", i+1, header(r, "ce_correlationid"))
		} else if strings.HasPrefix(n.What, "reminder") && (strings.HasSuffix(n.What, "paid") || strings.HasSuffix(n.What, "failed")) {
			wrong("%s: the timer was stopped by then", n.What)
		} else if header(r, "ce_sequence") != strconv.Itoa(i+1) || n.N != int64(i+1) || i >= len(words) || n.What != words[i] {
			wrong("event %d on the topic is number %s, %v; said was %q", i+1, header(r, "ce_sequence"), n, words)
		}
	}
	if int64(len(said)) != t.Said {
		wrong("%d events are on the topic, and %d were said", len(said), t.Said)
	}
	j.money(o, t, wrong)
	j.lanes(o)
}

// money holds the state against the witnesses.
func (j *judge) money(o order, t Till, wrong func(string, ...any)) {
	out := j.w.outside
	held := out.captured[t.ChargeID] - out.refunded[t.ChargeID]
	switch {
	case t.Shop == "" || t.Room == "":
		if t.Status != "" {
			wrong("is %s, and was not due", t.Status)
		}
	case t.Status == "paid" && held == 1 && out.captured[t.ChargeID] == 1:
	case t.Status == "failed" && held == 0:
	default:
		wrong("is %q, charged %d times and refunded %d times", t.Status, out.captured[t.ChargeID], out.refunded[t.ChargeID])
	}
	if stamps := out.stamps[o.key]; (t.Status == "paid") != (stamps == "1 2 ") || t.Status != "paid" && stamps != "" {
		wrong("is %q and stamped %q", t.Status, stamps)
	}
	receipts := out.receipts[o.key]
	switch t.Receipt {
	case "sent":
		if receipts != 1 {
			wrong("receipt is sent, %d times", receipts)
		}
	case "unknown":
		j.w.seen("a receipt of unknown outcome was not repeated")
		if receipts > 1 {
			wrong("receipt may be sent, and was %d times", receipts)
		}
	default:
		if receipts != 0 || t.Receipt == "sending" {
			wrong("receipt is %q and was sent %d times", t.Receipt, receipts)
		}
	}
	if t.Reminded > 2 {
		wrong("reminded %d times", t.Reminded)
	}
}

// lanes notes what has become of a poisoned order's lanes.
func (j *judge) lanes(o order) {
	for owner := range o.poison {
		if !o.garbage && j.w.followers[flow.Topic(owner)+" "+o.key] > 1 {
			j.w.seen("a lane was parked with followers and drained in order")
		}
	}
}

func (j *judge) till(key string) Till {
	tx, err := j.db.Begin(context.Background())
	if err != nil {
		panic(err) // nobody is in a transaction at rest
	}
	defer tx.Rollback(nil)
	found, err := tills().Select(context.Background(), tx, []string{key})
	if err != nil {
		panic(err)
	}
	return found[key]
}

// deadLetters are of what was poisoned or could not be read, each once.
func (j *judge) deadLetters() {
	poisoned := map[string]bool{"": j.unkeyed > 0}
	want := j.unkeyed
	for _, o := range j.orders {
		poisoned[o.key] = o.garbage || len(o.poison) > 0
		if o.garbage {
			want++
		}
	}
	seen := map[string]bool{}
	sure := 0
	for _, r := range j.w.topics.all("till.dead-letter") {
		if id := header(r, "dl_input"); !seen[id] {
			seen[id] = true
			j.w.seen("a dead letter was published")
			if !poisoned[r.Key] {
				j.w.violate("a dead letter of %q, which nothing was wrong with: %s", r.Key, header(r, "dl_cause"))
			}
			if r.Key == "" || strings.HasSuffix(id, "-0") {
				sure++
			}
		}
	}
	if sure != want {
		j.w.violate("%d dead letters of what stays unreadable, and %d are wanted", sure, want)
	}
}

func (j *judge) decode(r flow.Record, into any) error {
	writer, err := j.w.codecs["till"].Writer(context.Background(), r.Value, header(r, "ce_dataschema"))
	if err != nil {
		return err
	}
	return writer.Decode(into)
}

func header(r flow.Record, name string) string {
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
