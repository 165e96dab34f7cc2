package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/e2e/history"
)

// onTopics fabricates the records of an order with a history.
func onTopics(order string, events []history.Event) []Fact {
	var facts []Fact
	numbers := map[string]int64{}
	for _, e := range events {
		numbers[e.Owner]++
		fields := map[string]any{}
		if e.Owner == "email" {
			kind, cause, _ := strings.Cut(e.Reason, " ")
			fields["kind"], fields["cause"] = kind, cause
		} else {
			fields["reason"] = e.Reason
		}
		f := fact(order, e.Type, numbers[e.Owner], "", fields)
		f.ID = fmt.Sprintf("%s %d", f.ID, f.Sequence)
		facts = append(facts, f)
	}
	for i, e := range events {
		if at := slices.IndexFunc(events, func(c history.Event) bool { return c.Type == e.Cause }); at >= 0 {
			facts[i].Causation = facts[at].ID
		}
	}
	return facts
}

// Every history of the explorer passes when it is read from records. A record may come
// twice, and the owners' records in another order. The check of the causes, a weaker one,
// agrees.
func TestEveryKnownHistoryPasses(t *testing.T) {
	begun := time.Now()
	known, err := history.All()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d histories known after %s", known.Len(), time.Since(begun).Round(time.Millisecond))
	s := &Seen{}
	for i, events := range known.List() {
		facts := onTopics(fmt.Sprintf("order-%d", i), events)
		slices.SortStableFunc(facts, func(a, b Fact) int { return -strings.Compare(a.Owner(), b.Owner()) })
		s.Facts = append(append(s.Facts, facts...), facts[len(facts)/2])
	}
	var v violations
	s.checkHistories(&v)
	s.checkCauses(&v)
	s.checkRecords(&v)
	if len(v) > 0 {
		t.Errorf("%d violations; the first is %s", len(v), v[0])
	}
}

// A foreign producer sets no sequence, and may write to another partition than the
// services do. It may also publish an order that exists already.
func TestAForeignProducersOrderHasAKnownHistory(t *testing.T) {
	s := healthy()
	for _, order := range []string{"done", "none"} {
		s.find(order, "OrderPlaced").Sequence = 0
		s.renumber(order)
	}
	elsewhere := slices.IndexFunc(s.Facts, func(f Fact) bool { return f.Key == "none" && f.Name() == "OrderPlaced" })
	s.Facts = append(slices.Delete(slices.Clone(s.Facts), elsewhere, elsewhere+1), s.Facts[elsewhere])
	for _, order := range []string{"done", "back"} {
		again := *s.find(order, "OrderPlaced")
		again.ID, again.Sequence = "order.events/7/"+order, 0
		s.Facts = append(s.Facts, again)
	}
	s.find("done", "StockReserved").Causation = "order.events/7/done"
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations:\n%s", strings.Join(v, "\n"))
	}
}

// The content of an unreadable record is unknown, and the record is a violation by
// itself.
func TestUnreadableRecordIsNoHistoryViolation(t *testing.T) {
	s := healthy()
	s.find("back", "StockReleased").Unreadable, s.find("back", "StockReleased").Fields = "no schema", nil
	var v violations
	if s.checkHistories(&v); len(v) > 0 {
		t.Errorf("%q", v)
	}
	if all := s.Violations(); !strings.Contains(strings.Join(all, "\n"), "cannot be read: no schema") {
		t.Errorf("the record that cannot be read is no violation: %q", all)
	}
}

func TestOrdersFailingAlikeAreOneViolation(t *testing.T) {
	known, err := history.All()
	if err != nil {
		t.Fatal(err)
	}
	s := &Seen{}
	for i := range 30 {
		s.Facts = append(s.Facts, onTopics(fmt.Sprintf("order-%02d", i), known.List()[0][:2])...)
	}
	var v violations
	s.checkHistories(&v)
	if len(v) != 1 || !strings.Contains(v[0], "order order-00: ") || !strings.Contains(v[0], "(29 more orders went the same way, the next is order-01)") {
		t.Errorf("%q", v)
	}
}

func TestTheWaysThatOrdersWalkedAreCounted(t *testing.T) {
	var w Walked
	for range 2 { // the same orders again
		if err := w.Add(healthy()); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	if err := w.Report(&b); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + b.String())
	for _, want := range []string{
		"4 orders walked 4 of 22 ways that an order can go (4 of 57 when it counts which of two causes came last), and 3 of 12 fates of a mail:\n",
		"       1  completed: StockReserved, PaymentProcessed, ShipmentCreated\n",
		"   never  cancelled (declined), asked to be cancelled (customer): StockReserved, StockReleased, PaymentFailed\n",
		"       4  order_placed mail: sent\n",
		"   never  order_placed mail: bounced\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if walked := slices.Max(slices.Collect(maps.Values(w.ways))); walked != 1 {
		t.Errorf("an order was counted %d times", walked)
	}
}
