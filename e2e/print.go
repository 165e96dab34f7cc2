package e2e

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// The layout of a printed flow: five columns, and the event's fields below it.
const (
	columns  = 96
	indented = 42 // where the fields of an event begin
)

// marks are the meanings of events for their order; an event without a mark is a step
// forward.
var marks = map[string]string{
	"CancellationRequested": "?",
	"StockRejected":         "x", "PaymentFailed": "x", "ShipmentFailed": "x", "NotificationFailed": "x",
	"StockReleased": "<", "PaymentRefunded": "<",
	"OrderCompleted": "=", "OrderCancelled": "=",
}

// Legend says what the marks of a printed flow mean.
const Legend = "x failed   < compensation   ? asked to be cancelled   = the order's end   ! not handled"

// Print writes one order's flow: every event after its cause, with the time between the
// two, in milliseconds. Waited begins when the cause was appended to its topic and ends
// with the event: the way to the service, its queue, and the calls that it made. Append
// is from the event to its own appending.
func Print(w io.Writer, facts []Fact) error {
	p := NewPrinter(w)
	ordered := causal(facts)
	if len(ordered) > 0 {
		p.header(ordered[0].Key)
	}
	for _, f := range ordered {
		p.event(f)
	}
	if len(ordered) > 0 {
		p.printf("\n  %s\n", summary(ordered))
		p.printf("  %s\n", Legend)
	}
	return p.err
}

// causal sorts facts by time, but each after its cause. Clocks of several services, and
// timestamps of a millisecond, do not determine the order.
func causal(facts []Fact) []Fact {
	byTime := slices.Clone(facts)
	slices.SortStableFunc(byTime, func(a, b Fact) int {
		return cmp.Or(a.Appended.Compare(b.Appended), a.Time.Compare(b.Time), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Offset, b.Offset))
	})
	first := map[string]int{} // the first record of each id
	for i, f := range slices.Backward(byTime) {
		if f.Dead == nil {
			first[f.ID] = i
		}
	}
	done := make([]bool, len(byTime))
	ordered := make([]Fact, 0, len(byTime))
	var take func(i int)
	take = func(i int) {
		if done[i] {
			return
		}
		done[i] = true // before the cause: a cycle of causes must end too
		if cause, known := first[byTime[i].Causation]; known {
			take(cause)
		}
		ordered = append(ordered, byTime[i])
	}
	for i := range byTime {
		take(i)
	}
	return ordered
}

// Printer writes flows event by event, as they arrive.
type Printer struct {
	w     io.Writer
	err   error // of the first write that failed
	known map[string]Fact
	begun map[string]time.Time // by order
}

// NewPrinter makes a printer that has seen nothing yet.
func NewPrinter(w io.Writer) *Printer {
	return &Printer{w: w, known: map[string]Fact{}, begun: map[string]time.Time{}}
}

func (p *Printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *Printer) header(order string) {
	p.printf("order %s\n\n%9s %8s %8s  %-10s %s\n", order, "at ms", "waited", "append", "by", "event")
}

// event writes one event. Its waited time stays empty if its cause was not printed.
func (p *Printer) event(f Fact) {
	happened := f.happened()
	if p.begun[f.Key].IsZero() {
		p.begun[f.Key] = happened
	}
	cause, caused := p.known[f.Causation]
	if f.Dead != nil { // its cause is the record that was not handled
		cause, caused = p.known[f.ID]
	}
	var waited, appended string
	if caused && !f.Time.IsZero() {
		waited = ms(happened.Sub(cause.Appended))
	}
	if !f.Time.IsZero() {
		appended = ms(f.Appended.Sub(happened))
	}
	p.printf("%9s %8s %8s  %-10s %s\n", ms(happened.Sub(p.begun[f.Key])), waited, appended, f.Owner(), p.title(f, caused, cause))
	if _, again := p.known[f.ID]; !again || f.Dead != nil {
		for _, line := range wrap(details(f), columns-indented) {
			p.printf("%*s%s\n", indented, "", line)
		}
	}
	if f.Dead == nil {
		p.known[f.ID] = f
	}
}

func (p *Printer) title(f Fact, caused bool, cause Fact) string {
	name := f.Name()
	if f.SchemaVersion > 1 {
		name += fmt.Sprintf(" v%d", f.SchemaVersion)
	}
	mark := cmp.Or(marks[f.Name()], " ")
	after := ""
	switch {
	case f.Dead != nil:
		mark, after = "!", "could not be handled by "+f.Dead.Service
	case caused:
		after = "after " + cause.Name()
	case f.Causation != "":
		after = "after " + f.Causation + ", not on the topics"
	}
	if _, again := p.known[f.ID]; again && f.Dead == nil {
		after = "copy, as published again"
	}
	return strings.TrimRight(fmt.Sprintf("%s %-23s %s", mark, name, after), " ")
}

// ms is a duration in milliseconds. A record's timestamp has no finer resolution, and
// can make the duration negative.
func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f", max(0, float64(d)/float64(time.Millisecond)))
}

// details are an event's fields, without ids, which mean little to a reader.
func details(f Fact) []string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		if !strings.HasSuffix(name, "Id") || name == "customerId" {
			texts = append(texts, name+"="+show(f.Fields[name]))
		}
	}
	if f.Unreadable != "" {
		texts = append(texts, "cannot be read: "+f.Unreadable)
	}
	if f.Dead != nil {
		texts = append(texts, f.Dead.Input, "after "+f.Dead.Attempts+" attempts:", f.Dead.Cause)
	}
	return texts
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case []any:
		texts := make([]string, len(v))
		for i, e := range v {
			texts[i] = show(e)
		}
		return "[" + strings.Join(texts, " ") + "]"
	case map[string]any:
		var texts []string
		masked := true
		for _, name := range slices.Sorted(maps.Keys(v)) {
			masked = masked && (v[name] == nil || v[name] == hidden)
			texts = append(texts, name+"="+show(v[name]))
		}
		if masked {
			return hidden
		}
		return "{" + strings.Join(texts, " ") + "}"
	}
	return fmt.Sprint(v)
}

// wrap puts texts side by side into lines of a width. A text that is longer
// than a line is broken at its spaces, where it has any.
func wrap(texts []string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(strings.Join(texts, " ")) {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

func summary(ordered []Fact) string {
	var last time.Time
	begun := ordered[0].happened()
	ids, copies, end := map[string]bool{}, 0, "has not ended"
	for _, f := range ordered {
		if f.Dead != nil {
			continue
		}
		if ids[f.ID] {
			copies++
			continue
		}
		ids[f.ID] = true
		if marks[f.Name()] == "=" {
			end, last = strings.ToLower(strings.TrimPrefix(f.Name(), "Order")), f.Appended
		}
	}
	text := fmt.Sprintf("%d events, %s", len(ids), end)
	if !last.IsZero() {
		text += " after " + ms(last.Sub(begun)) + " ms"
	}
	if copies > 0 {
		text += fmt.Sprintf(", published again: %d", copies)
	}
	return text
}
