package e2e

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// tell adds an event to a fabricated order: before the event of that name, or as the
// last one.
func (s *Seen) tell(f Fact, before string) {
	f.ID += " " + before
	at := len(s.Facts)
	if before != "" {
		at = slices.IndexFunc(s.Facts, func(g Fact) bool { return g.Key == f.Key && g.Name() == before })
	}
	shown := slices.ContainsFunc(s.Facts, func(g Fact) bool { return g.Key == f.Key && g.Name() == f.Name() })
	s.Facts = slices.Insert(s.Facts, at, f)
	s.renumber(f.Key)
	if !shown && f.Owner() != "email" {
		change(s.Orders, f.Key, func(o *Order) { o.Progress = append(o.Progress, Step{Event: f.Name()}) })
	}
}

// renumber numbers each owner's events of an order by their place on the topics.
func (s *Seen) renumber(order string) {
	next := map[string]int64{}
	for i := range s.Facts {
		if f := &s.Facts[i]; f.Key == order && f.Sequence > 0 {
			next[f.Owner()]++
			f.Sequence = next[f.Owner()]
		}
	}
}

// why changes the reason of events of an order. With OrderCancelled it changes the
// order's reason too.
func (s *Seen) why(order, reason string, events ...string) {
	for _, name := range events {
		s.find(order, name).Fields["reason"] = reason
		if name == "OrderCancelled" {
			change(s.Orders, order, func(o *Order) { o.Reason = reason })
		}
	}
}

// Wrong histories in which every event has a declared cause, the ledgers agree, and no
// other invariant is violated.
func TestHistoriesThatNoPathEndsWith(t *testing.T) {
	of := func(s *Seen, order, name string) string { return s.find(order, name).ID }
	for _, c := range []struct {
		name  string
		spoil func(*Seen)
		want  string // what is wrong with the history
	}{
		{"a reason is changed on the way", func(s *Seen) { s.why("back", "declined", "StockReleased") },
			"inventory told [StockReserved after OrderPlaced, StockReleased (declined) after PaymentRefunded]"},
		{"the end has another reason than what led to it", func(s *Seen) { s.why("back", "customer", "OrderCancelled") },
			"order told [OrderPlaced, OrderCancelled (customer) after StockReleased]"},
		{"a rejection for a reason that inventory does not give", func(s *Seen) { s.why("none", "declined", "StockRejected", "OrderCancelled") },
			"inventory told [StockRejected (declined) after OrderPlaced]"},
		{"a reason that nobody gave", func(s *Seen) {
			s.why("asked", "unspecified", "CancellationRequested", "PaymentFailed", "StockReleased", "OrderCancelled")
		}, "order told [OrderPlaced, CancellationRequested (unspecified), OrderCancelled (unspecified) after StockReleased]"},
		{"payment stands down, and nobody asked it to", func(s *Seen) {
			s.remove("asked", "CancellationRequested")
			s.renumber("asked")
			change(s.Orders, "asked", func(o *Order) {
				o.Progress = slices.DeleteFunc(o.Progress, func(p Step) bool { return p.Event == "CancellationRequested" })
			})
		}, "order told [OrderPlaced, OrderCancelled (customer) after StockReleased]"},
		{"shipping stands down for the deadline, and the customer asked", func(s *Seen) {
			s.tell(fact("back", "quintet.order.CancellationRequested", 1, "", because("customer")), "OrderCancelled")
			s.why("back", "deadline", "ShipmentFailed", "PaymentRefunded", "StockReleased", "OrderCancelled")
		}, "order told [OrderPlaced, CancellationRequested (customer), OrderCancelled (deadline) after StockReleased]"},
		{"payment stands down when it hears of the order, before it can have been asked to", func(s *Seen) {
			s.find("asked", "PaymentFailed").Causation = of(s, "asked", "OrderPlaced")
		}, "payment told [PaymentFailed (customer) after OrderPlaced]"},
		{"asked twice", func(s *Seen) {
			s.tell(fact("asked", "quintet.order.CancellationRequested", 1, "", because("deadline")), "OrderCancelled")
		}, "order told [OrderPlaced, CancellationRequested (customer), CancellationRequested (deadline), OrderCancelled (customer) after StockReleased]"},
		{"a cancellation is accepted after the end", func(s *Seen) {
			s.tell(fact("done", "quintet.order.CancellationRequested", 1, "", because("customer")), "")
		}, "order told [OrderPlaced, OrderCompleted after ShipmentCreated, CancellationRequested (customer)]"},
		{"completed twice", func(s *Seen) {
			s.tell(fact("done", "quintet.order.OrderCompleted", 1, of(s, "done", "ShipmentCreated"), nil), "")
		}, "order told [OrderPlaced, OrderCompleted after ShipmentCreated, OrderCompleted after ShipmentCreated]"},
		{"placed twice by the order service", func(s *Seen) {
			again := *s.find("done", "OrderPlaced")
			s.tell(again, "OrderCompleted")
		}, "order told [OrderPlaced, OrderPlaced, OrderCompleted after ShipmentCreated]"},
		{"reserved and rejected", func(s *Seen) {
			s.tell(fact("none", "quintet.inventory.StockReserved", 1, of(s, "none", "OrderPlaced"), nil), "StockRejected")
		}, "inventory told [StockReserved after OrderPlaced, StockRejected (out_of_stock) after OrderPlaced]"},
		{"released twice", func(s *Seen) {
			s.tell(fact("back", "quintet.inventory.StockReleased", 1, of(s, "back", "PaymentRefunded"), because("carrier_refused")), "")
		}, "inventory told [StockReserved after OrderPlaced, StockReleased (carrier_refused) after PaymentRefunded, StockReleased (carrier_refused) after PaymentRefunded]"},
		{"released what was never reserved", func(s *Seen) {
			s.remove("asked", "StockReserved")
			s.find("asked", "PaymentFailed").Causation = of(s, "asked", "OrderPlaced")
			s.renumber("asked")
			change(s.Orders, "asked", func(o *Order) {
				o.Progress = slices.DeleteFunc(o.Progress, func(p Step) bool { return p.Event == "StockReserved" })
			})
		}, "inventory told [StockReleased (customer) after PaymentFailed]"},
		{"refunded twice", func(s *Seen) {
			s.tell(fact("back", "quintet.payment.PaymentRefunded", 1, of(s, "back", "ShipmentFailed"), because("carrier_refused")), "")
		}, "payment told [PaymentProcessed after StockReserved, PaymentRefunded (carrier_refused) after ShipmentFailed, PaymentRefunded (carrier_refused) after ShipmentFailed]"},
		{"refunded before it was charged", func(s *Seen) {
			a, b := s.find("back", "PaymentProcessed"), s.find("back", "PaymentRefunded")
			*a, *b = *b, *a
			s.renumber("back")
		}, "payment told [PaymentRefunded (carrier_refused) after ShipmentFailed, PaymentProcessed after StockReserved]"},
		{"unshipped twice", func(s *Seen) {
			s.tell(fact("back", "quintet.shipping.ShipmentFailed", 1, of(s, "back", "OrderPlaced"), because("carrier_refused")), "")
		}, "shipping told [ShipmentFailed (carrier_refused) after PaymentProcessed, ShipmentFailed (carrier_refused) after OrderPlaced]"},
		{"the end is told before it came", func(s *Seen) {
			last := slices.IndexFunc(s.Facts, func(f Fact) bool { return f.text("kind") == "order_completed" })
			s.Facts[last].Causation = of(s, "done", "OrderPlaced")
		}, "email told [NotificationSent (order_placed) after OrderPlaced, NotificationSent (order_completed) after OrderPlaced]"},
		{"the end is told first", func(s *Seen) {
			first := slices.IndexFunc(s.Facts, func(f Fact) bool { return f.text("notificationId") == "done-order_placed" })
			last := slices.IndexFunc(s.Facts, func(f Fact) bool { return f.text("notificationId") == "done-order_completed" })
			s.Facts[first], s.Facts[last] = s.Facts[last], s.Facts[first]
			s.renumber("done")
		}, "email told [NotificationSent (order_completed) after OrderCompleted, NotificationSent (order_placed) after OrderPlaced]"},
		{"somebody without headers speaks for inventory", func(s *Seen) {
			f := s.find("done", "StockReserved")
			f.Sequence, f.Causation = 0, ""
		}, "inventory told [StockReserved]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := healthy()
			c.spoil(s)
			all := s.Violations()
			if len(all) != 1 || !strings.Contains(all[0], "no path of the exploration ends with this history: ") {
				t.Fatalf("found\n%s\nand should have found a history that no path ends with, and nothing else", strings.Join(all, "\n"))
			}
			sentence, flow, _ := strings.Cut(all[0], "\n")
			t.Log(sentence)
			if !strings.Contains(sentence, c.want+"; in the nearest history it tells [") {
				t.Errorf("found\n%s\nand should have found %q", sentence, c.want)
			}
			order := cmp.Or(strings.TrimPrefix(strings.Fields(flow)[1], "order "), "?")
			if !strings.HasPrefix(sentence, "order "+order+": ") || !strings.Contains(flow, "events, ") {
				t.Errorf("the flow of another order, or none, is shown:\n%s", flow)
			}
		})
	}
}
