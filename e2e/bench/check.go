package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/quintet-eda/quintet/deploy/sandbox"
	"github.com/quintet-eda/quintet/e2e"
)

// witnessed is what the topics and the outside world tell of an arm's orders.
type witnessed struct {
	accepted []string // by the answers to who placed them
	facts    []e2e.Fact
	charges  []sandbox.Entry
	bookings []sandbox.Entry
	mails    []sandbox.Entry
	poison   int // records that nobody can read
}

// look takes in what has happened in a system at rest.
func look(ctx context.Context, c *e2e.Client, t *e2e.Topics, accepted []string, p Proof) (witnessed, error) {
	w := witnessed{accepted: accepted}
	var err error
	if w.facts, err = t.Read(ctx); err != nil || p < OfLedgers {
		return w, err
	}
	for name, into := range map[string]*[]sandbox.Entry{"payments": &w.charges, "shipments": &w.bookings, "mails": &w.mails} {
		if *into, err = c.Ledger(ctx, name); err != nil {
			return w, err
		}
	}
	return w, nil
}

// once are the events that each order leads to, each once: nobody is out of stock,
// declined or refused. The email service's event comes for each of two mails.
var once = map[string]int{
	"OrderPlaced": 1, "StockReserved": 1, "PaymentProcessed": 1, "ShipmentCreated": 1, "OrderCompleted": 1, "NotificationSent": 2,
}

// problems is everything that does not add up. It shares nothing with the invariants
// of e2e but the reading, and is the same for every arm.
func (w witnessed) problems(p Proof) (all []string) {
	expect := map[string]map[string]int{}
	for _, order := range w.accepted {
		expect[order] = map[string]int{}
	}
	count := func(order, what string) {
		if expect[order] == nil {
			all = append(all, fmt.Sprintf("order %q was not accepted, and there is %s", order, what))
			return
		}
		expect[order][what]++
	}
	copies, givenUp := map[string]bool{}, letters{}
	for _, f := range w.facts {
		if givenUp.take(f) {
			continue
		}
		switch id := f.Topic + " " + f.ID; {
		case f.Dead != nil || p >= OfLedgers && f.Unreadable != "":
			all = append(all, fmt.Sprintf("%s: %s", f, f.Unreadable))
		case !copies[id]: // an event may be delivered twice, and has one id
			copies[id] = true
			count(f.Key, f.Name())
		}
	}
	all = append(all, givenUp.problems(w.poison)...)
	want := maps.Clone(once)
	if p >= OfLedgers {
		want["charge"], want["booking"], want["mail"] = 1, 1, 2
		for _, e := range w.charges {
			count(e.OrderID, map[string]string{"captured": "charge"}[e.Outcome])
		}
		for _, e := range w.bookings {
			count(e.OrderID, map[string]string{"booked": "booking"}[e.Outcome])
		}
		subjects := map[string]bool{}
		for _, e := range w.mails {
			count(e.OrderID, map[string]string{"accepted": "mail"}[e.Outcome])
			if mail := e.OrderID + " " + e.Subject; subjects[mail] {
				all = append(all, fmt.Sprintf("order %s: a mail was sent twice: %s", e.OrderID, e.Subject))
			} else {
				subjects[mail] = true
			}
		}
	}
	for _, order := range slices.Sorted(maps.Keys(expect)) {
		got := expect[order]
		delete(got, "") // a call that was made again, which had no effect
		if !maps.Equal(got, want) {
			all = append(all, fmt.Sprintf("order %s has %v, and should have %v", order, got, want))
		}
	}
	return all
}

// ErrWrong is returned when an arm's orders do not add up: it gets no number.
var ErrWrong = errors.New("its orders do not add up")

// verdict is nil when nothing is wrong.
func verdict(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	const shown = 5
	return fmt.Errorf("%w: %d problems, such as %q", ErrWrong, len(problems), problems[:min(shown, len(problems))])
}

// check holds all orders of a system at rest against what must be so.
func (s *System) check(ctx context.Context, c *e2e.Client, accepted []string) error {
	if s.arm.Proof == OfAnswers {
		return nil // what was accepted is not looked at: nobody has reacted to it
	}
	topics, err := e2e.OpenTopics(s.Target)
	if err != nil {
		return err
	}
	w, err := look(ctx, c, topics, accepted, s.arm.Proof)
	if err != nil {
		return fmt.Errorf("look at the system: %w", err)
	}
	if s.poison != nil {
		w.poison = int(s.poison.puts.Load())
	}
	if err := verdict(w.problems(s.arm.Proof)); err != nil || s.arm.Proof != OfStates {
		return err
	}
	seen, err := e2e.Look(ctx, c, topics, accepted, nil)
	if err != nil {
		return fmt.Errorf("look at the system: %w", err)
	}
	return verdict(seen.Violations())
}

// rest waits until nothing is left to do. Who does not say how much that is is at
// rest when all orders have ended and no topic grows.
func (s *System) rest(ctx context.Context, c *e2e.Client, b *book) error {
	if s.arm.Proof == OfAnswers {
		return nil
	}
	if err := b.empty(ctx); err != nil {
		return err
	}
	if s.arm.Proof == OfStates {
		return c.Quiesce(ctx)
	}
	if s.poison != nil {
		if err := s.poison.givenUp(ctx); err != nil {
			return err
		}
	}
	return still(ctx, s.Target.Brokers)
}

// empty waits until every order has ended.
func (b *book) empty(ctx context.Context) error {
	return e2e.Until(ctx, "all orders have ended", func(context.Context) (bool, error) {
		if n := b.open(); n > 0 {
			return false, fmt.Errorf("%d have not", n)
		}
		return true, nil
	})
}
