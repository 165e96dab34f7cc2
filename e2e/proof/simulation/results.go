package simulation

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
)

// answered records a nudge's answer. A repeat gets the first's answer.
func (j *judge) answered(order, key, name string, reply json.RawMessage) {
	j.nudges[order] = append(j.nudges[order], name)
	var nudged string
	if err := json.Unmarshal(reply, &nudged); err != nil || !strings.HasSuffix(nudged, name+" ") {
		j.w.violate("nudge %s was answered %q", name, reply)
	}
	j.replies[name] = nudged
	j.applied[key] = append(j.applied[key], name)
}

// refused records that a nudge was refused since another had its key.
func (j *judge) refused(key, name string) {
	if j.reused[key] == nil {
		j.w.violate("nudge %s was refused, as if its key were another's", name)
		return
	}
	j.w.seen("a key was used for another request, which was refused")
	j.reused[key][name] = true
}

// oneEach checks that of two requests under one key at most one happens, and that the
// other is refused only if one did.
func (j *judge) oneEach() {
	for key, refused := range j.reused {
		switch names := j.applied[key]; {
		case len(names) > 1:
			j.w.violate("the key %s was used for %q, and each was applied", key, names)
		case len(refused) > 0 && len(names) == 0:
			j.w.violate("the key %s was refused for %v, and used for nothing", key, refused)
		}
	}
}

// commands compares the applied nudges of an order with the answers that its customers
// got.
func (j *judge) commands(o order, t Till, wrong func(string, ...any)) {
	nudged, answered := strings.Fields(t.Nudged), j.nudges[o.key]
	for _, name := range answered {
		if !strings.HasPrefix(t.Nudged, j.replies[name]) {
			wrong("nudge %s was answered %q, and there was %q", name, j.replies[name], t.Nudged)
		}
	}
	slices.Sort(nudged)
	slices.Sort(answered)
	if !slices.Equal(nudged, answered) {
		wrong("nudged by %q, and told so %q", nudged, answered)
	}
}

// results checks that every result was applied once, and the stamps' in order.
func (j *judge) results(t Till, wrong func(string, ...any)) {
	var charges, voids, receipts, stamps []string
	for word := range strings.SplitSeq(strings.TrimSuffix(t.Words, "; "), "; ") {
		switch of, what, _ := strings.Cut(word, " "); of {
		case "charge":
			charges = append(charges, what)
		case "voided":
			voids = append(voids, what)
		case "receipt":
			receipts = append(receipts, what)
		case "stamp":
			stamps = append(stamps, what)
		}
	}
	due, paid, voided := 0, 0, 0
	if t.Status != "" {
		due = 1
	}
	if t.Status == "paid" {
		paid = 1
	}
	if len(charges) > 0 && charges[0] == "unknown" {
		voided = 1
	}
	if len(charges) != due || len(voids) != voided || len(receipts) != paid || len(stamps) != 2*paid || paid == 1 && stamps[0] != "1" {
		wrong("is %q, and the results applied are %q", t.Status, t.Words)
	}
}

// reminders checks that each reminder was applied at most once and in order. The last
// was applied if nothing stopped it, and so was each that was in a lane.
func (j *judge) reminders(t Till, wrong func(string, ...any)) {
	var last, times int64
	done := map[string]bool{}
	for word := range strings.SplitSeq(t.Words, "; ") {
		f := strings.Fields(word)
		if len(f) < 2 || f[0] != "reminder" {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64) // written by say
		if n <= last || n > t.Started {
			wrong("reminder %d of %d came after %d", n, t.Started, last)
		}
		last = n
		times++
		done[t.Order+" "+f[1]] = true
	}
	late := int64(0)
	for reminder := range j.parked.late {
		if order, _, _ := strings.Cut(reminder, " "); order == t.Order {
			late++
			if !done[reminder] {
				wrong("reminder %s was parked, and lost", reminder)
			}
		}
	}
	if t.Running != 0 {
		wrong("reminder %d never ran out: %q", t.Running, t.Words)
	}
	if times != t.Reminded || times > 2+late {
		wrong("reminded %d times, and %d counted", times, t.Reminded)
	}
}

// followsFacts reports whether an event follows from a fact by way of a call. A
// reminder may follow from a nudge, which is no event.
func followsFacts(what string) bool {
	of, _, _ := strings.Cut(what, " ")
	return slices.Contains([]string{"shop", "room", "charge", "voided", "receipt", "stamp"}, of)
}

func ofOrder(cause, key string) bool {
	return strings.HasPrefix(cause, "shop-"+key+"-") || strings.HasPrefix(cause, "room-"+key+"-")
}

// ill reports whether the input of a dead letter had a fault.
func (j *judge) ill(r record.Record) bool {
	for _, o := range j.orders {
		if o.key != r.Key {
			continue
		}
		input := header(r, "dl_input")
		unknown := strings.Contains(header(r, "dl_cause"), registry.ErrUnknownSchema.Error())
		if unknown {
			j.w.seen("a schema was unknown for long")
			j.tooSoon(r, input)
		}
		if o.garbage && input == "/quintet/shop shop-"+o.key+"-0" || unknown {
			return true
		}
	}
	what := map[string]string{
		ordered{}.EventType(): "shop ", held{}.EventType(): "room ", "charged": "charge", "voided": "void", "sent": "receipt", "stamped": "stamp ", "reminder": "reminder",
	}[header(r, "dl_name")]
	for name := range j.w.ill {
		if what != "" && strings.HasPrefix(name, r.Key+" "+what) {
			return true
		}
	}
	return false
}

// tooSoon checks that no input is given up for a schema that the registry learns of
// soon. That holds for a retry of a parked lane, too.
func (j *judge) tooSoon(letter record.Record, input string) {
	for id, soon := range j.w.schemas.soon {
		if soon && strings.HasSuffix(header(letter, "dl_cause"), "id "+id) {
			j.w.violate("%s was given up, and the registry learned of its schema within seconds", input)
		}
	}
}
