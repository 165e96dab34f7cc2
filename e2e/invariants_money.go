package e2e

import "slices"

// checkMoney: in the provider's ledger each payment is about one order. The provider
// captures at most once, and at most the total. It never gives back more than it
// captured.
func (s *Seen) checkMoney(v *violations) {
	events := s.byOrder()
	held := map[string]int64{}
	for key, entries := range grouped(s.Charges) {
		order := entries[0].OrderID
		captured, voided, refunded, captures := int64(0), int64(0), int64(0), 0
		for _, e := range entries {
			if e.OrderID != order {
				v.add("payment %s is about orders %s and %s", key, order, e.OrderID)
			}
			switch e.Outcome {
			case "captured":
				captured += e.Amount
				captures++
			case "voided":
				voided += e.Amount
			case "refunded":
				refunded += e.Amount
			}
			if voided+refunded > captured {
				v.add("payment %s of order %s: %d given back of %d captured", key, order, voided+refunded, captured)
			}
		}
		if captures > 1 {
			v.add("payment %s of order %s was captured %d times", key, order, captures)
		}
		if total, known := events[order]["OrderPlaced"].number("total"); known && captured > total {
			v.add("payment %s of order %s: %d captured of a total of %d", key, order, captured, total)
		}
		if s.Payments[order].PaymentID != key {
			v.add("order %s has payment %q, and the provider knows %s", order, s.Payments[order].PaymentID, key)
		}
		held[order] += captured - voided - refunded
	}
	for _, order := range s.orders() {
		s.checkPaid(v, order, held[order], events[order])
	}
}

// checkPaid: at rest the provider holds the total of a completed order, and nothing of
// any other. Payment's state and its events agree.
func (s *Seen) checkPaid(v *violations, order string, held int64, events map[string]Fact) {
	total, known := events["OrderPlaced"].number("total")
	switch {
	case !known:
		v.add("order %s has no OrderPlaced with a total on the topics", order)
	case s.Orders[order].Status == "completed" && held != total:
		v.add("order %s is completed, and of its total of %d the provider holds %d", order, total, held)
	case s.Orders[order].Status != "completed" && held != 0:
		v.add("order %s is %s, and the provider holds %d of its customer", order, s.Orders[order].Status, held)
	}
	agree(v, order, "payment", s.Payments[order].Status, events, map[string][]string{
		"paid":     {"PaymentProcessed"},
		"refunded": {"PaymentProcessed", "PaymentRefunded"},
		"failed":   {"PaymentFailed"},
		"closed":   {},
	}, []string{"PaymentProcessed", "PaymentRefunded", "PaymentFailed"})
}

// agree: a service's state at rest is a final one, and its events are exactly those
// that lead to it.
func agree(v *violations, order, what, status string, events map[string]Fact, leads map[string][]string, of []string) {
	want, rests := leads[status]
	if !rests {
		v.add("%s of order %s is at rest as %q", what, order, status)
		return
	}
	for _, name := range of {
		_, is := events[name]
		if is && !slices.Contains(want, name) {
			v.add("%s of order %s is %s, and there is a %s", what, order, status, name)
		}
		if !is && slices.Contains(want, name) {
			v.add("%s of order %s is %s, and there is no %s", what, order, status, name)
		}
	}
}
