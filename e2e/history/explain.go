package history

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrUnexplained is returned for a history with which no path of the exploration ends.
var ErrUnexplained = errors.New("no path of the exploration ends with this history")

// Explain returns nil when some path ends with an order's events on its five topics: the
// events of each owner in their order, without copies. Otherwise its error wraps
// ErrUnexplained, and lists the differences to the nearest history.
func (k *Known) Explain(events []Event) error {
	h, err := historyOf(events)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnexplained, err)
	}
	if _, known := k.histories[h.key()]; known {
		return nil
	}
	var nearest history
	least := -1
	for _, key := range slices.Sorted(maps.Keys(k.histories)) {
		known := k.histories[key]
		d := 0
		for s := range h {
			d += distance(h[s], known[s])
		}
		if least < 0 || d < least {
			least, nearest = d, known
		}
	}
	var differs []string
	for s := range h {
		if !slices.Equal(h[s], nearest[s]) {
			differs = append(differs, fmt.Sprintf("%s told %s; in the nearest history it tells %s", owners[s], words(h[s]), words(nearest[s])))
		}
	}
	return fmt.Errorf("%w: %s", ErrUnexplained, strings.Join(differs, "; "))
}

func words(events []Event) string {
	if len(events) == 0 {
		return "nothing"
	}
	var ws []string
	for _, e := range events {
		_, said, _ := strings.Cut(e.String(), ": ")
		ws = append(ws, said)
	}
	return "[" + strings.Join(ws, ", ") + "]"
}

// distance is the cost of turning one owner's events into others. The cheapest step
// exchanges an event for one of its type with another reason or cause: the likeliest
// fault. An exchange for another type costs a bit less than leaving one out and
// adding one. A missing event costs less than the reasons of all that follow from it.
func distance(a, b []Event) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j * oneMore
	}
	for i := range a {
		before := row[0]
		row[0] = (i + 1) * oneMore
		for j := range b {
			exchanged := before + exchange(a[i], b[j])
			before = row[j+1]
			row[j+1] = min(exchanged, row[j]+oneMore, row[j+1]+oneMore)
		}
	}
	return row[len(b)]
}

// oneMore is the cost of a superfluous or missing event.
const oneMore = 4

func exchange(a, b Event) int {
	switch {
	case a == b:
		return 0
	case a.Type != b.Type:
		return 2*oneMore - 1
	case a.Reason == b.Reason:
		return 1
	case a.Cause == b.Cause:
		return 2
	}
	return 3
}
