package flowdoc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/e2e/proof/flowdoc"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

// problems are what is wrong with a set of tables, as sentences.
func problems(rows []flow.Row, terminal []flow.Event, undone []flow.Compensation) []string {
	var found []string
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	emitted := map[string]bool{}
	for _, r := range rows {
		for _, e := range r.Emits {
			emitted[e.EventType()] = true
			if e.EventOwner() != r.Service {
				say("%s emits %s, which %s owns", r.Service, e.EventType(), e.EventOwner())
			}
		}
	}
	ends := map[string]bool{}
	for _, e := range terminal {
		ends[e.EventType()] = true
	}
	for e := range emitted {
		heard := len(flowdoc.Consumers(rows, e)) > 0
		if heard == ends[e] {
			say("%s is heard: %v, declared terminal: %v", e, heard, ends[e])
		}
	}
	for _, r := range rows {
		if r.Kind == flow.KindEvent && !emitted[r.Input] {
			say("%s reacts to %s, which nobody emits", r.Service, r.Input)
		}
		for _, call := range r.Calls {
			answered := slices.ContainsFunc(rows, func(x flow.Row) bool { return x.Service == r.Service && x.ResultOf == call })
			if !answered {
				say("%s calls %s and takes no result of it", r.Service, call)
			}
		}
		for _, timer := range r.Timers {
			elapses := slices.ContainsFunc(rows, func(x flow.Row) bool { return x.Service == r.Service && x.Input == timer })
			if !elapses {
				say("%s starts %s and does not react to it", r.Service, timer)
			}
		}
	}
	found = append(found, unmade(rows, undone)...)
	slices.Sort(found)
	return found
}

// unmade lists the forward steps that some failure after them leaves standing.
// A failure is an event before the end after which the order can no longer
// complete.
func unmade(rows []flow.Row, undone []flow.Compensation) []string {
	var found []string
	follows := flowdoc.Follows(rows)
	completed, cancelled := events.OrderCompleted{}.EventType(), events.OrderCancelled{}.EventType()
	for _, u := range undone {
		if u.Step.EventOwner() != u.By.EventOwner() {
			found = append(found, fmt.Sprintf("%s is undone by %s, another participant", u.Step.EventType(), u.By.EventOwner()))
		}
		for e := range flowdoc.Reach(follows, u.Step.EventType()) {
			after := flowdoc.Reach(follows, e)
			failure := !after[completed] && !flowdoc.Reach(follows, cancelled)[e] && !flowdoc.Reach(follows, completed)[e]
			undoneBefore := flowdoc.Reach(follows, u.By.EventType())[e] && e != u.By.EventType()
			if failure && !undoneBefore && !(after[u.By.EventType()] && after[cancelled]) {
				found = append(found, fmt.Sprintf("%s can follow %s and does not lead to %s", e, u.Step.EventType(), u.By.EventType()))
			}
		}
	}
	return found
}

func TestTheTablesFitTogether(t *testing.T) {
	if got := problems(flowdoc.Rows(), flowdoc.Terminal(), flowdoc.Compensations()); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

func TestTablesThatDoNotFitAreFound(t *testing.T) {
	without := func(service, input string) []flow.Row {
		return slices.DeleteFunc(slices.Clone(flowdoc.Rows()), func(r flow.Row) bool { return r.Service == service && r.Input == input })
	}
	undone := flowdoc.Compensations()
	tests := map[string]struct {
		rows     []flow.Row
		terminal []flow.Event
	}{
		"a released reservation nobody hears of":    {without("order", events.StockReleased{}.EventType()), flowdoc.Terminal()},
		"stock is kept after a declined card":       {without("inventory", events.PaymentFailed{}.EventType()), flowdoc.Terminal()},
		"money is kept when the carrier refuses":    {without("payment", events.ShipmentFailed{}.EventType()), flowdoc.Terminal()},
		"a refund is never confirmed":               {without("payment", "Refunded"), flowdoc.Terminal()},
		"a deadline that nobody reacts to":          {without("order", "Deadline"), flowdoc.Terminal()},
		"an event that nobody hears or declares":    {flowdoc.Rows(), nil},
		"a terminal event that somebody hears":      {flowdoc.Rows(), append(flowdoc.Terminal(), events.OrderPlaced{})},
		"an event that nobody emits any more":       {without("order", "PlaceOrder"), flowdoc.Terminal()},
		"a participant that emits what it not owns": {append(slices.Clone(flowdoc.Rows()), flow.Row{Service: "email", Kind: flow.KindTimer, Input: "Reminder", Emits: []flow.Event{events.OrderPlaced{}}}), flowdoc.Terminal()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := problems(tt.rows, tt.terminal, undone); len(got) == 0 {
				t.Error("nothing was found wrong")
			}
		})
	}
}

func TestTablesEmitExactlyTheContractsEvents(t *testing.T) {
	contract, err := schemas.Events(schemas.FS)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, e := range contract {
		want = append(want, e.Type())
	}
	for _, e := range flowdoc.Emitted(flowdoc.Rows()) {
		got = append(got, e.EventType())
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events of the contract and events of the tables (-contract +tables):\n%s", diff)
	}
}

func TestGeneratedDocumentsEqualTheTables(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	document, err := flowdoc.Document()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join(root, "docs", "flow.md"), func(string) (string, error) { return document, nil })
	for _, s := range flowdoc.Services() {
		compare(t, filepath.Join(root, "services", s, "README.md"), func(text string) (string, error) { return flowdoc.Insert(text, s) })
	}
}

func compare(t *testing.T, path string, want func(text string) (string, error)) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := want(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, string(text)); diff != "" {
		t.Errorf("%s is not what the tables say; run `make generate` (-tables +file):\n%s", path, diff)
	}
}
