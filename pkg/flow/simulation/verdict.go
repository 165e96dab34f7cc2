package simulation

import (
	"slices"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
)

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
	j.words(o, t, said, wrong)
	j.money(o, t, wrong)
	j.lanes(o)
}

// words holds what is on the topic against what was said.
func (j *judge) words(o order, t Till, said []flow.Record, wrong func(string, ...any)) {
	words := strings.Split(strings.TrimSuffix(t.Words, "; "), "; ")
	for i, r := range said {
		var n noted
		err := j.decode(r, &n)
		switch late := strings.HasPrefix(n.What, "reminder"); {
		case err != nil:
			wrong("event cannot be read: %v", err)
		case header(r, "ce_correlationid") != "story "+o.key:
			wrong("event %d belongs to %q", i+1, header(r, "ce_correlationid"))
		case late && (strings.HasSuffix(n.What, "paid") || strings.HasSuffix(n.What, "failed")):
			wrong("%s: the timer was stopped by then", n.What)
		case header(r, "ce_sequence") != strconv.Itoa(i+1) || n.N != int64(i+1) || i >= len(words) || n.What != words[i]:
			wrong("event %d on the topic is number %s, %v; said was %q", i+1, header(r, "ce_sequence"), n, words)
		}
	}
	if int64(len(said)) != t.Said {
		wrong("%d events are on the topic, and %d were said", len(said), t.Said)
	}
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
