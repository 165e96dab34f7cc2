package explore

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/e2e/history"
	"github.com/quintet-eda/quintet/schemas/events"
)

// Email is explored by itself for the histories; together with the other four
// it tells the same.
func TestTheHistoriesAreThoseOfAllServicesTogether(t *testing.T) {
	may := Cancels | Declines | GivesUp | Mails | MailFails
	k, err := histories(t.Context(), Production(), may)
	if err != nil {
		t.Fatal(err)
	}
	all := &history.Known{}
	for _, foreign := range []bool{false, true} {
		r := explored(t, Production(), Scope{Orders: 1, Stock: 1, May: may, Foreign: foreign, Whole: true, open: true})
		for _, events := range r.Histories() {
			if err := all.Add(events); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(all.List(), k.List()); diff != "" {
		t.Errorf("(-together +email by itself)\n%s", diff)
	}
}

// What is left out of the histories tells nothing else: an attempt without an
// answer, a crash, a delivery to the shelf, an order that is published twice.
func TestLargerScopesAddNoHistories(t *testing.T) {
	known, err := Histories(t.Context(), Production())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		may    Choice
		states int
	}{
		{"unanswered attempts", Ordinary, 210_000},
		{"crashes and deliveries", Ordinary | Crashes | Delivery, 230_000},
		{"an order published twice", Ordinary | Twice, 2_200_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			affordable(t, c.states)
			larger, err := histories(t.Context(), Production(), c.may)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(known.List(), withoutSecond(t, larger).List()); diff != "" {
				t.Errorf("(-smaller +larger)\n%s", diff)
			}
		})
	}
}

// withoutSecond leaves out the OrderPlaced that comes when there is one already:
// who reads the topics does so, too.
func withoutSecond(t *testing.T, k *history.Known) *history.Known {
	t.Helper()
	once := &history.Known{}
	for _, h := range k.List() {
		placed := 0
		h = slices.DeleteFunc(h, func(e history.Event) bool {
			if e.Type == (events.OrderPlaced{}).EventType() {
				placed++
			}
			return e.Type == (events.OrderPlaced{}).EventType() && placed > 1
		})
		if err := once.Add(h); err != nil {
			t.Fatal(err)
		}
	}
	return once
}

// The stories and everybody else who reads topics know the histories as a file.
func TestWrittenHistoriesAreThoseExplored(t *testing.T) {
	written, err := history.All()
	if err != nil {
		t.Fatal(err)
	}
	explored, err := Histories(t.Context(), Production())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(explored.List(), written.List()); diff != "" {
		t.Errorf("make generate writes the file anew (-explored +written)\n%s", diff)
	}
}
