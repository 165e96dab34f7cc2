package explore

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/e2e/history"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// short is an event's name without its namespace.
func short(eventType string) string { return eventType[strings.LastIndexByte(eventType, '.')+1:] }

// record is an event on its owner's topic.
type record struct {
	ID    string
	Event flow.Event
	Cause string
	// Lost is set for a record that a broken kit committed and never published.
	Lost bool
}

func (r record) emitted() history.Event {
	e := history.Event{Owner: r.Event.EventOwner(), Type: r.Event.EventType(), Cause: r.Cause}
	switch v := r.Event.(type) {
	case events.NotificationSent:
		e.Reason = history.Reason("", string(v.Kind), "")
	case events.NotificationFailed:
		e.Reason = history.Reason("", string(v.Kind), string(v.Cause))
	default:
		if f := reflect.ValueOf(r.Event).FieldByName("Reason"); f.IsValid() {
			e.Reason = history.Reason(f.String(), "", "")
		}
	}
	return e
}

// topic is an owner's published records of one order, oldest first.
type topic struct {
	records []record
	numbers []int32 // of the records: the same for equal records on any topic
	emitted []history.Event
	// named are the records that a reader's table names; it skips the others
	// at once.
	named [services][]int32
	types map[string]int // how often each type is there
	twice string         // a repeated fact, in words
}

// most is the number of records that an owner may publish about one order; more count
// as a loop. The longest history of one owner has four.
const most = 8

// topics numbers topics, each made of a shorter one and a record.
type topics struct {
	machines *[services]*machine
	values   []*topic
	longer   map[string]int32
	numbered *interned[record]
}

func newTopics(machines *[services]*machine) *topics {
	return &topics{machines: machines, values: []*topic{{types: map[string]int{}}}, longer: map[string]int32{}, numbered: newInterned[record](nil)}
}

func (t *topics) add(to int32, r record) int32 {
	key := text(struct {
		To int32
		R  record
	}{to, r})
	if n, known := t.longer[key]; known {
		return n
	}
	from := t.values[to]
	next := &topic{
		records: slices.Concat(from.records, []record{r}),
		numbers: slices.Concat(from.numbers, []int32{t.numbered.id(r)}),
		emitted: slices.Concat(from.emitted, []history.Event{r.emitted()}),
		types:   map[string]int{},
	}
	for name, n := range from.types {
		next.types[name] = n
	}
	next.types[r.Event.EventType()]++
	if next.twice = from.twice; next.twice == "" {
		next.twice = repeated(next.emitted)
	}
	for reader, m := range t.machines {
		next.named[reader] = from.named[reader]
		if m.names[r.Event.EventType()] && !r.Lost {
			next.named[reader] = slices.Concat(from.named[reader], []int32{int32(len(from.records))})
		}
	}
	n := int32(len(t.values))
	t.values = append(t.values, next)
	t.longer[key] = n
	return n
}

// repeated reports a last event that repeats an earlier one: an owner publishes each
// fact once, and each kind of notification once. OrderPlaced is exempt, as some of its
// producers are not ours.
func repeated(told []history.Event) string {
	last := told[len(told)-1]
	kind, _, _ := strings.Cut(last.Reason, " ")
	for _, e := range told[:len(told)-1] {
		before, _, _ := strings.Cut(e.Reason, " ")
		switch {
		case last.Owner == serviceNames[ofEmail] && kind == before:
			return fmt.Sprintf("the notification %s is told twice", last.Reason)
		case last.Owner != serviceNames[ofEmail] && last.Type == e.Type && e.Type != (events.OrderPlaced{}).EventType():
			return fmt.Sprintf("%s is told twice", short(e.Type))
		}
	}
	return ""
}

// follow is an event that follows from another; from nothing after a request.
type follow struct{ from, to string }

// declared lists the events that the tables allow to follow from another. An event
// leads to the events of its reaction, and to the events of the calls and timers that
// its reaction asked for. The check of every run's topics says the same.
func declared(rows []flow.Row) map[follow]bool {
	allowed := map[follow]bool{}
	for _, r := range rows {
		from := r.Input
		if r.Kind == flow.KindCommand {
			from = ""
		}
		if r.Kind == flow.KindEvent || r.Kind == flow.KindCommand {
			reach(rows, r, map[string]bool{}, func(to string) { allowed[follow{from, to}] = true })
		}
	}
	return allowed
}

func reach(rows []flow.Row, r flow.Row, seen map[string]bool, to func(string)) {
	if seen[r.Input] {
		return
	}
	seen[r.Input] = true
	for _, e := range r.Emits {
		to(e.EventType())
	}
	for _, next := range rows {
		if next.Service == r.Service && (next.ResultOf != "" && slices.Contains(r.Calls, next.ResultOf) || next.Kind == flow.KindTimer && slices.Contains(r.Timers, next.Input)) {
			reach(rows, next, seen, to)
		}
	}
}
