package e2e

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/e2e/history"
)

// Walked counts which of an order's possible histories have occurred. Its unit is the
// way: how an order ended and why, whether its cancellation was requested, and the events
// in between. A story can produce each way. Where a participant waits for two events,
// chance decides which comes last. A mail's outcome does not depend on the order's.
// Walked counts both apart.
//
// The zero value has seen no order.
type Walked struct {
	orders    map[string]bool
	ways      map[string]int
	histories map[string]int // without mails
	mails     map[string]int
}

// Add counts the orders of a system at rest, each once. It fails when the known
// histories cannot be read.
func (w *Walked) Add(s *Seen) error {
	if w.orders == nil {
		w.orders, w.ways, w.histories, w.mails = map[string]bool{}, map[string]int{}, map[string]int{}, map[string]int{}
	}
	known, err := history.All()
	if err != nil {
		return err
	}
	for order, events := range s.told() {
		if !w.orders[order] && known.Explain(events) == nil {
			w.orders[order] = true
			w.count(events)
		}
	}
	return nil
}

func (w *Walked) count(events []history.Event) {
	moves, mails := apart(events)
	w.ways[way(moves)]++
	w.histories[fmt.Sprint(moves)]++
	for _, m := range mails {
		w.mails[fate(m)]++
	}
}

// Orders is how many orders were counted.
func (w *Walked) Orders() int { return len(w.orders) }

// Report writes the share of the possible ways and histories that has occurred. It also
// lists every way, and every fate of a mail, with its count.
func (w *Walked) Report(to io.Writer) error {
	known, err := history.All()
	if err != nil {
		return err
	}
	all := &Walked{ways: map[string]int{}, histories: map[string]int{}, mails: map[string]int{}}
	for _, events := range known.List() {
		all.count(events)
	}
	fmt.Fprintf(to, "%d orders walked %d of %d ways that an order can go", len(w.orders), len(w.ways), len(all.ways))
	fmt.Fprintf(to, " (%d of %d when it counts which of two causes came last), and %d of %d fates of a mail:\n", len(w.histories), len(all.histories), len(w.mails), len(all.mails))
	for _, tally := range []struct{ walked, all map[string]int }{{w.ways, all.ways}, {w.mails, all.mails}} {
		for _, name := range slices.Sorted(maps.Keys(tally.all)) {
			times := "never"
			if n := tally.walked[name]; n > 0 {
				times = fmt.Sprint(n)
			}
			fmt.Fprintf(to, "  %6s  %s\n", times, name)
		}
	}
	return nil
}

// apart separates an order's events from those of its customer's mails.
func apart(events []history.Event) (moves, mails []history.Event) {
	for _, e := range events {
		if e.Owner == "email" {
			mails = append(mails, e)
		} else {
			moves = append(moves, e)
		}
	}
	return moves, mails
}

// way is the name of a history's way. The reasons of the events between are left out:
// they equal the reason of the end.
func way(moves []history.Event) string {
	var end, asked string
	var others []string
	for _, e := range moves {
		switch name := e.Type[strings.LastIndexByte(e.Type, '.')+1:]; name {
		case "OrderPlaced":
		case "CancellationRequested":
			asked = ", asked to be cancelled (" + e.Reason + ")"
		case "OrderCancelled":
			end = "cancelled (" + e.Reason + ")"
		case "OrderCompleted":
			end = "completed"
		default:
			others = append(others, name)
		}
	}
	return end + asked + ": " + strings.Join(others, ", ")
}

// fate is the outcome of a mail.
func fate(mail history.Event) string {
	kind, cause, _ := strings.Cut(mail.Reason, " ")
	if cause == "" {
		return kind + " mail: sent"
	}
	return kind + " mail: " + cause
}
