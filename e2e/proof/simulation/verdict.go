package simulation

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/pkg/record"
)

// verdict checks everything that must hold at rest.
func (j *judge) verdict() {
	said := map[string][]record.Record{}
	first := map[string]record.Record{}
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
	many := map[string]int{}
	for key, events := range said {
		if strings.HasPrefix(key, "one-of-many-") {
			many[key] = len(events)
			continue
		}
		j.w.violate("events of %q, which nobody ordered", key)
	}
	j.many(many)
	j.deadLetters()
	j.oneEach()
}

func (j *judge) order(o order, said []record.Record) {
	wrong := func(format string, args ...any) { j.w.violate(o.key+": "+format, args...) }
	t := j.till(o.key)
	shop := o.shop - o.unreadable
	if o.garbage {
		shop = 0
	}
	if want := count(shop); t.Shop != want {
		wrong("the shop's facts were applied as %q, and are %q", t.Shop, want)
	}
	if want := count(o.room); t.Room != want {
		wrong("the room's facts were applied as %q, and are %q", t.Room, want)
	}
	j.commands(o, t, wrong)
	j.words(o, t, said, wrong)
	j.results(t, wrong)
	j.reminders(t, wrong)
	j.money(o, t, wrong)
}

// words compares the events on the topic with those in the state.
func (j *judge) words(o order, t Till, said []record.Record, wrong func(string, ...any)) {
	words := strings.Split(strings.TrimSuffix(t.Words, "; "), "; ")
	for i, r := range said {
		var n noted
		err := j.decode(r, &n)
		switch late := strings.HasPrefix(n.What, "reminder"); {
		case err != nil:
			wrong("event cannot be read: %v", err)
		case header(r, "ce_correlationid") != "story "+o.key:
			wrong("event %d belongs to %q", i+1, header(r, "ce_correlationid"))
		case header(r, "ce_tenant") != "tenant of "+o.key:
			wrong("event %d is of the tenant %q", i+1, header(r, "ce_tenant"))
		case !traced(r, n.What):
			wrong("%s follows from %q, and its trace is %q", n.What, header(r, "ce_causationid"), header(r, "traceparent"))
		case late && (strings.HasSuffix(n.What, "paid") || strings.HasSuffix(n.What, "failed")) && !j.parked.late[o.key+" "+strings.Fields(n.What)[1]]:
			wrong("%s: the timer was stopped by then", n.What) // and had not run out: its input was in no lane
		case followsFacts(n.What) && !ofOrder(header(r, "ce_causationid"), o.key):
			wrong("%s follows from %q, and from no fact of the order", n.What, header(r, "ce_causationid"))
		case header(r, "ce_sequence") != strconv.Itoa(i+1) || n.N != int64(i+1) || i >= len(words) || n.What != words[i]:
			wrong("event %d on the topic is number %s, %v; said was %q", i+1, header(r, "ce_sequence"), n, words)
		}
	}
	if int64(len(said)) != t.Said {
		wrong("%d events are on the topic, and %d were said", len(said), t.Said)
	}
}

// traced reports whether an event has the trace of the fact from which it follows,
// or of a nudge where there is none.
func traced(r record.Record, what string) bool {
	cause, trace := header(r, "ce_causationid"), header(r, "traceparent")
	if name, nudged := strings.CutPrefix(what, "nudge "); nudged {
		return trace == traceOf(name)
	}
	return trace == traceOf(cause) || cause == "" && begun(trace) != ""
}

// money compares the state with the witnesses.
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
}

// deadLetters checks that every input that was given up, and every record without a
// key, has a dead letter, and no other input has one.
func (j *judge) deadLetters() {
	letters := map[string]bool{} // by input
	for _, r := range j.w.topics.all("till.dead-letter") {
		input := header(r, "dl_input")
		letters[input] = true
		if !j.complete(r) {
			j.w.violate("the dead letter of %s is not what it was: %q %v", input, r.Value, r.Headers)
		}
		if r.Key != "" && !j.parked.dead[input] {
			j.w.violate("a dead letter of %s, which was not given up: %s", input, header(r, "dl_cause"))
		}
		if r.Key == "" {
			j.w.seen("a dead letter without a key was published")
		} else if !j.ill(r) {
			j.w.violate("a dead letter of %q, which nothing was wrong with: %s", r.Key, header(r, "dl_cause"))
		}
	}
	unkeyed := len(letters)
	for input := range j.parked.dead {
		unkeyed--
		if !letters[input] {
			j.w.violate("%s was given up, and nobody was told", input)
		}
		j.w.seen("a dead letter was published")
	}
	if unkeyed != j.unkeyed {
		j.w.violate("%d dead letters of records without a key, and %d are wanted", unkeyed, j.unkeyed)
	}
}

// complete reports whether a dead letter has everything of the record that it
// names, or the body of a result or timer.
func (j *judge) complete(letter record.Record) bool {
	topic := header(letter, "dl_topic")
	if topic == "" {
		return json.Valid(letter.Value) && string(letter.Value) != "null"
	}
	partition, _ := strconv.ParseInt(header(letter, "dl_partition"), 10, 32) // one that cannot be read is of no record
	offset, _ := strconv.ParseInt(header(letter, "dl_offset"), 10, 64)
	r, there := j.w.topics.at(topic, int32(partition), offset)
	n := len(r.Headers)
	return there && bytes.Equal(letter.Value, r.Value) && len(letter.Headers) >= n && slices.Equal(letter.Headers[:n], r.Headers)
}
