package e2e

import (
	"strings"
	"testing"
	"time"
)

func TestAHealthySystemViolatesNothing(t *testing.T) {
	s := healthy()
	again := *s.find("done", "StockReserved") // a copy is not an event
	again.Offset += 10
	s.Facts = append(s.Facts, again)
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations of a healthy system:\n%s", strings.Join(v, "\n"))
	}
}

func TestUndecidedMailMayBeThereTwice(t *testing.T) {
	s := healthy()
	again := s.Mails[0]
	again.Outcome = "undecided"
	s.Mails = append(s.Mails, again)
	s.Mailbox[again.MessageID] = 2
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("the mail server behind took what the sandbox refused:\n%s", strings.Join(v, "\n"))
	}
}

func TestEachInvariantCanBeViolated(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Seen)
		want  string
	}{
		{"an acknowledged order is lost", func(s *Seen) { s.Acknowledged = append(s.Acknowledged, "lost") }, "order lost was acknowledged and is not there"},
		{"an order does not end", func(s *Seen) { change(s.Orders, "done", func(o *Order) { o.Status = "cancelling" }) }, "order done has not ended"},
		{"an order is on topics only", func(s *Seen) { delete(s.Orders, "none"); s.Acknowledged = nil }, "order service does not know it"},
		{"an order has two ends", func(s *Seen) {
			s.Facts = append(s.Facts, fact("done", "quintet.order.OrderCancelled", 3, "", nil))
		}, "completed and cancelled"},
		{"topics and service tell different ends", func(s *Seen) { s.remove("done", "OrderCompleted") }, "the topics say: completed false"},
		{"an event is handled twice", func(s *Seen) {
			change(s.Orders, "done", func(o *Order) { o.Progress = append(o.Progress, o.Progress[1]) })
		}, "order done shows StockReserved 2 times"},
		{"an event is not handled", func(s *Seen) {
			change(s.Orders, "done", func(o *Order) { o.Progress = o.Progress[1:] })
		}, "order done does not show OrderPlaced"},
		{"an event was not published", func(s *Seen) { s.remove("done", "StockReserved") }, "order done shows StockReserved, which is not on the topics"},
		{"reasons differ", func(s *Seen) { s.find("none", "OrderCancelled").Fields["reason"] = "declined" }, `its event says "declined"`},

		{"more is given back than taken", func(s *Seen) { s.Charges[3].Amount = 501 }, "501 given back of 500 captured"},
		{"captured twice", func(s *Seen) { s.Charges[1].Outcome = "captured" }, "captured 2 times"},
		{"more is captured than due", func(s *Seen) { s.Charges[0].Amount = 901 }, "901 captured of a total of 900"},
		{"a cancelled order keeps its money", func(s *Seen) { s.Charges = s.Charges[:3] }, "the provider holds 500 of its customer"},
		{"a completed order was not paid", func(s *Seen) { s.Charges = s.Charges[2:] }, "of its total of 900 the provider holds 0"},
		{"a payment of two orders", func(s *Seen) { s.Charges[1].OrderID = "back" }, "payment p1 is about orders"},
		{"a payment nobody knows", func(s *Seen) { s.Charges[1].Key = "p9" }, "the provider knows p9"},
		{"a payment at rest under way", func(s *Seen) { change(s.Payments, "done", func(p *Payment) { p.Status = "charging" }) }, `payment of order done is at rest as "charging"`},
		{"a payment without its event", func(s *Seen) { s.remove("done", "PaymentProcessed") }, "is paid, and there is no PaymentProcessed"},
		{"an event without its payment", func(s *Seen) { change(s.Payments, "back", func(p *Payment) { p.Status = "paid" }) }, "is paid, and there is a PaymentRefunded"},
		{"an order that nobody placed", func(s *Seen) { s.remove("none", "OrderPlaced") }, "order none has no OrderPlaced"},

		{"booked before paid", func(s *Seen) { s.Bookings[0].At = start.Add(-time.Second) }, "booked before the order was paid"},
		{"booked twice", func(s *Seen) { s.Bookings = append(s.Bookings, s.Bookings[0]) }, "booked 2 times"},
		{"a completed order is not booked", func(s *Seen) { s.Bookings = s.Bookings[1:] }, "the carrier has 0 bookings"},
		{"a cancelled order is booked", func(s *Seen) { s.Bookings[1].Outcome = "booked" }, "order back is cancelled, and the carrier has a booking"},
		{"a shipment nobody knows", func(s *Seen) { s.Bookings[1].Key = "s9" }, "the carrier knows s9"},
		{"a shipment at rest under way", func(s *Seen) { change(s.Shipments, "back", func(h *Shipment) { h.Status = "unbooking" }) }, `shipment of order back is at rest as "unbooking"`},
		{"a shipment without its event", func(s *Seen) { s.remove("done", "ShipmentCreated") }, "there is no ShipmentCreated"},

		{"stock below zero", func(s *Seen) { s.Stock[0].OnHand = -1 }, "below zero"},
		{"stock that vanishes", func(s *Seen) { s.Stock[0].OnHand-- }, "does not add up"},
		{"stock that stays reserved", func(s *Seen) { s.Stock[0].OnHand--; s.Stock[0].Reserved++ }, "1 pieces are still reserved"},
		{"shipped to nobody", func(s *Seen) { s.Stock[0].OnHand--; s.Stock[0].Shipped++ }, "3 pieces shipped, and the completed orders ask for 2"},
		{"shipped what was never there", func(s *Seen) { s.Stock = nil }, "it was never received"},

		{"a mail sent twice", func(s *Seen) { s.Mails = append(s.Mails, s.Mails[0]) }, "was sent 2 times"},
		{"a mail never sent", func(s *Seen) { s.Mails = s.Mails[1:] }, "recorded as sent, and no server took it"},
		{"a mail that bounced and arrived", func(s *Seen) {
			s.Notifications["done"][0].Status, s.Notifications["done"][0].Cause = "failed", "bounced"
		}, "recorded as bounced, and a server took it"},
		{"an accepted mail that nobody can find", func(s *Seen) { delete(s.Mailbox, "done-order_placed@quintet") }, "is 0 times in the mailbox"},
		{"a mail handed on twice", func(s *Seen) { s.Mailbox["done-order_placed@quintet"] = 2 }, "is 2 times in the mailbox"},
		{"a mail handed on more often than tried", func(s *Seen) {
			again := s.Mails[0]
			again.Outcome = "undecided"
			s.Mails = append(s.Mails, again)
			s.Mailbox[again.MessageID] = 3
		}, "is 3 times in the mailbox"},
		{"a mail without a notification", func(s *Seen) { s.Mails[0].MessageID = "spam@quintet" }, "no notification is behind it"},
		{"a notification at rest under way", func(s *Seen) { s.Notifications["done"][0].Status = "sending" }, `is at rest as "sending"`},
		{"a notification without its event", func(s *Seen) { s.remove("done", "NotificationSent") }, `its event is ""`},
		{"told the same twice", func(s *Seen) { s.Notifications["done"][1].Kind = "order_placed" }, "two notifications of kind order_placed"},
		{"not told", func(s *Seen) { s.Notifications["none"] = s.Notifications["none"][:1] }, "its customer was told 1 things only"},

		{"a dead letter", func(s *Seen) {
			f := *s.find("done", "StockReserved")
			f.Topic, f.Dead = "payment.dead-letter", &DeadLetter{Service: "payment", Cause: "boom"}
			s.Facts = append(s.Facts, f)
		}, "payment could not handle StockReserved of done"},
		{"one id for two events", func(s *Seen) {
			f := *s.find("done", "StockReserved")
			f.value = []byte("else")
			s.Facts = append(s.Facts, f)
		}, "have one id and differ"},
		{"a gap", func(s *Seen) { s.find("done", "OrderCompleted").Sequence = 3 }, "is number 3 of its owner's, after number 1"},
		{"an inversion", func(s *Seen) {
			a, b := s.find("back", "PaymentProcessed"), s.find("back", "PaymentRefunded")
			*a, *b = *b, *a
		}, "is number 2 of its owner's, after number 0"},
		{"two stories in one order", func(s *Seen) { s.find("done", "OrderCompleted").Correlation = "else" }, "has correlation id else"},
		{"an unreadable record", func(s *Seen) { s.find("done", "OrderCompleted").Unreadable = "no schema" }, "cannot be read: no schema"},
		{"a record under another key", func(s *Seen) { s.find("done", "OrderCompleted").Fields["orderId"] = "else" }, `its orderId is "else"`},
		{"a subject that is not the key", func(s *Seen) { s.find("done", "OrderCompleted").Subject = "else" }, `its subject is "else"`},
		{"an event on a stranger's topic", func(s *Seen) { s.find("done", "OrderCompleted").Topic = "email.events" }, "is a quintet.order.OrderCompleted on email.events"},

		{"a cause that is nowhere", func(s *Seen) { s.find("done", "OrderCompleted").Causation = "nowhere" }, "follows from nowhere, which is not on the topics"},
		{"a cause of another order", func(s *Seen) { s.find("done", "OrderCompleted").Causation = s.find("back", "OrderPlaced").ID }, "of another order"},
		{"a step that no table declares", func(s *Seen) { s.find("done", "OrderCompleted").Causation = s.find("done", "StockReserved").ID }, "and no table declares that"},
		{"a step from nothing", func(s *Seen) { s.find("done", "OrderCompleted").Causation = "" }, "follows from nothing, and no table declares that"},
		{"a circle", func(s *Seen) { s.find("done", "StockReserved").Causation = s.find("done", "PaymentProcessed").ID }, "each other's causes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := healthy()
			c.spoil(s)
			all := strings.Join(s.Violations(), "\n")
			if !strings.Contains(all, c.want) {
				t.Errorf("found\n%s\nand should have found %q", all, c.want)
			}
		})
	}
}

// The tables allow what the protocol says and not more.
func TestStepsFollowFromTheTables(t *testing.T) {
	steps := declared(Rows())
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"", "order.OrderPlaced", true},
		{"", "order.CancellationRequested", true}, // by a customer, and by the deadline
		{"order.OrderPlaced", "payment.PaymentProcessed", true},
		{"inventory.StockReserved", "payment.PaymentFailed", true}, // through a charge, and a void
		{"shipping.ShipmentFailed", "payment.PaymentRefunded", true},
		{"order.OrderCancelled", "email.NotificationFailed", true},
		{"", "inventory.StockReserved", false},
		{"shipping.ShipmentFailed", "payment.PaymentFailed", false}, // a refund is no void
		{"order.CancellationRequested", "payment.PaymentFailed", false},
		{"shipping.ShipmentCreated", "payment.PaymentRefunded", false},
	} {
		from := "quintet." + c.from
		if c.from == "" {
			from = ""
		}
		if got := steps[edge{from, "quintet." + c.to}]; got != c.want {
			t.Errorf("%q to %s: declared %t, want %t", c.from, c.to, got, c.want)
		}
	}
}
