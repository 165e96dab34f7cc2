package explore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
)

// Grammar explains the notation of schedules, for a reader who writes one by hand.
const Grammar = `A schedule is the name of a scope, a colon, and steps with semicolons between. With
no steps, it lists those that can come first.

  smooth:
  unanswered:place;inventory<OrderPlaced;payment<OrderPlaced;payment<StockReserved;Charge~sent

  place, cancel              the customer asks for it
  deadline                   the order's time has run out
  payment<OrderPlaced        a service takes the next record of a topic
  Charge=captured            an attempt of a call is answered, and the service takes the answer
  Charge=given-up, =unknown  the attempts are spent
  Charge~sent                an unanswered attempt
  Charge~arrives:captured    it reaches the far side after all, and the answer is lost
  Charge~vanishes            it never does
  crash payment              a process ends, and starts again
  crash email while sending, crash email after sending
  deliver, published-again   a supplier brings a piece; the order is published once more
  1.place, 2.place           of two orders, which one
  ...#2                      the second of two steps that would have the same name

What only mutants can do: ...!lost, ...!torn, ...!skipped, ...@stale, payment<<OrderPlaced,
place-again, wait.`

// unfit reports that a schedule does not fit at a step. Either no step has that name,
// or such a step exists and is not possible now.
func (m *model) unfit(number int, name string, steps []step) error {
	possible := m.names(steps)
	if m.isStep(name) {
		return fmt.Errorf("step %d, %q, is not possible; possible are: %s", number, name, strings.Join(possible, "; "))
	}
	slices.SortStableFunc(possible, func(a, b string) int { return cmp.Compare(mistyped(name, a), mistyped(name, b)) })
	return fmt.Errorf("step %d: no step is called %q; at this point these are possible: %s", number, name, strings.Join(possible, "; "))
}

// isStep reports whether a step can have a name, whatever the state.
func (m *model) isStep(name string) bool {
	if number, rest, is := strings.Cut(name, "."); is && m.scope.Orders > 1 {
		if !slices.Contains([]string{"1", "2"}, number) {
			return false
		}
		name = rest
	}
	if end := strings.IndexAny(name, "#@!"); end > 0 { // one of several, or by a broken kit
		name = name[:end]
	}
	if service, is := strings.CutPrefix(name, "crash "); is {
		service, _, _ = strings.Cut(service, " ")
		return slices.Contains(serviceNames[:], service)
	}
	if service, event, is := strings.Cut(name, "<"); is {
		s := slices.Index(serviceNames[:], service)
		return s >= 0 && m.reads(s, strings.TrimPrefix(event, "<"))
	}
	if sign := strings.IndexAny(name, "=~"); sign > 0 {
		return slices.Contains(callNames(), name[:sign]) && slices.Contains(callEnds(), name[sign:])
	}
	return slices.Contains([]string{"place", "place-again", "cancel", "deadline", "published-again", "deliver", "wait"}, name)
}

// reads reports whether a service's table names an event of that short name.
func (m *model) reads(service int, event string) bool {
	for name := range m.machines[service].names {
		if short(name) == event {
			return true
		}
	}
	return false
}

func callNames() []string {
	names := []string{"Charge", "Void", "Refund", "Book", "Unbook", label(email.SendMail{})}
	for _, kind := range []events.Kind{events.KindOrderPlaced, events.KindOrderCompleted, events.KindOrderCancelled} {
		names = append(names, "SendMail("+string(kind)+")")
	}
	return names
}

// callEnds are the outcomes of an attempt, each with its sign.
func callEnds() []string {
	ends := []string{"=given-up", "=unknown", "=unknown-but-accepted", "~sent", "~vanishes"}
	for _, answer := range []string{"captured", "declined", "voided", "refunded", "conflict", "booked", "refused", "unbooked", "collected", "accepted", "bounced", "later"} {
		ends = append(ends, "="+answer, "~arrives:"+answer)
	}
	return ends
}

// mistyped is how many letters must be put in, left out or changed to make one
// name of another.
func mistyped(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
