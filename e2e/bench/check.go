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

// once are the counts of the events of each order: no order is out of stock, declined or
// refused. The email service publishes one event for each of two mails.
var once = map[string]int{
	"OrderPlaced": 1, "StockReserved": 1, "PaymentProcessed": 1, "ShipmentCreated": 1, "OrderCompleted": 1, "NotificationSent": 2,
}

// tally counts the events and ledger entries of an arm's orders. It shares only the
// reading with the invariants of e2e, and is the same for every arm.
type tally struct {
	proof   Proof
	poison  int // records that no service can read
	orders  map[string]map[string]int
	copies  map[string]bool
	givenUp letters
	wrong   []string
}

func newTally(accepted []string, p Proof, poison int) *tally {
	t := &tally{proof: p, poison: poison, orders: make(map[string]map[string]int, len(accepted)), copies: map[string]bool{}, givenUp: letters{}}
	for _, order := range accepted {
		t.orders[order] = map[string]int{}
	}
	return t
}

func (t *tally) count(order, what string) {
	if t.orders[order] == nil {
		t.wrong = append(t.wrong, fmt.Sprintf("order %q was not accepted, and there is %s", order, what))
		return
	}
	t.orders[order][what]++
}

// fact counts a record of a topic.
func (t *tally) fact(f e2e.Fact) {
	if t.givenUp.take(f) {
		return
	}
	switch id := f.Topic + " " + f.ID; {
	case f.Dead != nil || t.proof >= OfLedgers && f.Unreadable != "":
		t.wrong = append(t.wrong, fmt.Sprintf("%s: %s", f, f.Unreadable))
	case !t.copies[id]: // an event may be delivered twice, and has one id
		t.copies[id] = true
		t.count(f.Key, f.Name())
	}
}

// ledgers counts the ledger entries of provider, carrier and mail server.
func (t *tally) ledgers(charges, bookings, mails []sandbox.Entry) {
	for _, e := range charges {
		t.count(e.OrderID, map[string]string{"captured": "charge"}[e.Outcome])
	}
	for _, e := range bookings {
		t.count(e.OrderID, map[string]string{"booked": "booking"}[e.Outcome])
	}
	subjects := map[string]bool{}
	for _, e := range mails {
		t.count(e.OrderID, map[string]string{"accepted": "mail"}[e.Outcome])
		if mail := e.OrderID + " " + e.Subject; subjects[mail] {
			t.wrong = append(t.wrong, fmt.Sprintf("order %s: a mail was sent twice: %s", e.OrderID, e.Subject))
		} else {
			subjects[mail] = true
		}
	}
}

// problems are all orders and records that do not add up.
func (t *tally) problems() []string {
	all := slices.Concat(t.wrong, t.givenUp.problems(t.poison))
	want := maps.Clone(once)
	if t.proof >= OfLedgers {
		want["charge"], want["booking"], want["mail"] = 1, 1, 2
	}
	for _, order := range slices.Sorted(maps.Keys(t.orders)) {
		got := t.orders[order]
		delete(got, "") // a repeated call, without effect
		if !maps.Equal(got, want) {
			all = append(all, fmt.Sprintf("order %s has %v, and should have %v", order, got, want))
		}
	}
	return all
}

// ErrWrong is returned when an arm's orders do not add up: the arm gets no number.
var ErrWrong = errors.New("its orders do not add up")

// verdict is nil without problems.
func verdict(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	const shown = 5
	return fmt.Errorf("%w: %d problems, such as %q", ErrWrong, len(problems), problems[:min(shown, len(problems))])
}

// statesBound is the largest number of orders for which the invariants of e2e are checked,
// too. These keep everything in memory and take a millisecond for each order. For more
// orders only the records and ledger entries are counted.
const statesBound = 300_000

// check checks all orders of a system at rest by the arm's proof.
func (s *System) check(ctx context.Context, c *e2e.Client, accepted []string) error {
	if s.arm.Proof == OfAnswers {
		return nil // no service has reacted to the accepted orders
	}
	topics, err := e2e.OpenTopics(s.Target)
	if err != nil {
		return err
	}
	poison := 0
	if s.poison != nil {
		poison = int(s.poison.puts.Load())
	}
	t := newTally(accepted, s.arm.Proof, poison)
	if err := topics.Each(ctx, t.fact); err != nil {
		return fmt.Errorf("look at the system: %w", err)
	}
	if s.arm.Proof >= OfLedgers {
		var of [3][]sandbox.Entry
		for i, name := range []string{"payments", "shipments", "mails"} {
			if of[i], err = c.Ledger(ctx, name); err != nil {
				return fmt.Errorf("look at the system: %w", err)
			}
		}
		t.ledgers(of[0], of[1], of[2])
	}
	if err := verdict(t.problems()); err != nil || s.arm.Proof != OfStates || len(accepted) > statesBound {
		return err
	}
	seen, err := e2e.Look(ctx, c, topics, accepted, nil)
	if err != nil {
		return fmt.Errorf("look at the system: %w", err)
	}
	return verdict(seen.Violations())
}

// rest waits until a system has no work left. An arm that reports no pending work is
// at rest once all orders have ended and no topic grows.
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
