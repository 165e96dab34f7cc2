package e2e

import (
	"maps"
	"slices"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

// byOrder are the events of all orders by order and name, without copies.
func (s *Seen) byOrder() map[string]map[string]Fact {
	all := map[string]map[string]Fact{}
	for _, f := range s.Facts {
		if f.Dead != nil {
			continue
		}
		if all[f.Key] == nil {
			all[f.Key] = map[string]Fact{}
		}
		if _, again := all[f.Key][f.Name()]; !again {
			all[f.Key][f.Name()] = f
		}
	}
	return all
}

// checkOrders: every acknowledged order exists, every order has one end, and the topics
// have the same end as the order service.
func (s *Seen) checkOrders(v *violations) {
	for _, order := range s.Acknowledged {
		if _, known := s.Orders[order]; !known {
			v.add("order %s was acknowledged and is not there", order)
		}
	}
	events := s.byOrder()
	for _, order := range s.orders() {
		o, known := s.Orders[order]
		switch {
		case !known:
			v.add("order %s is on topics or in ledgers, and the order service does not know it", order)
			continue
		case !terminal(o.Status):
			v.add("order %s has not ended: it is %s", order, o.Status)
		}
		_, completed := events[order]["OrderCompleted"]
		_, cancelled := events[order]["OrderCancelled"]
		if completed && cancelled {
			v.add("order %s was completed and cancelled", order)
		}
		if completed != (o.Status == "completed") || cancelled != (o.Status == "cancelled") {
			v.add("order %s is %s, and the topics say: completed %t, cancelled %t", order, o.Status, completed, cancelled)
		}
		if reason := events[order]["OrderCancelled"].text("reason"); cancelled && reason != o.Reason {
			v.add("order %s was cancelled for %q, and its event says %q", order, o.Reason, reason)
		}
	}
}

// checkProgress: the order service has handled each event of others once in effect. It
// shows no event that is not on the topics. It records every event that it handles, so
// its progress is the trace of the deliveries to it.
func (s *Seen) checkProgress(v *violations) {
	events := s.byOrder()
	for order, o := range s.Orders {
		steps := map[string]int{}
		for _, step := range o.Progress {
			steps[step.Event]++
			if _, there := events[order][step.Event]; !there {
				v.add("order %s shows %s, which is not on the topics", order, step.Event)
			}
		}
		for name, f := range events[order] {
			_, noted := steps[name]
			switch {
			case steps[name] > 1:
				v.add("order %s shows %s %d times", order, name, steps[name])
			case !noted && f.Owner() != "email" && !(o.External && name == "OrderPlaced"):
				v.add("order %s does not show %s, which is on the topics", order, name)
			}
		}
	}
}

// checkShipments: nothing is booked unpaid, a completed order is booked once,
// and no other has a booking left.
func (s *Seen) checkShipments(v *violations) {
	live, charges := map[string]int{}, map[string][]sandbox.Entry{}
	for _, e := range s.Charges {
		charges[e.OrderID] = append(charges[e.OrderID], e)
	}
	for key, entries := range grouped(s.Bookings) {
		order := entries[0].OrderID
		bookings := 0
		for _, e := range entries {
			if e.OrderID != order {
				v.add("shipment %s is about orders %s and %s", key, order, e.OrderID)
			}
			switch e.Outcome {
			case "booked":
				bookings++
				live[order]++
				if !paidBefore(charges[order], e) {
					v.add("shipment %s of order %s was booked before the order was paid", key, order)
				}
			case "unbooked":
				if bookings > 0 {
					live[order]--
				}
			}
		}
		if bookings > 1 {
			v.add("shipment %s of order %s was booked %d times", key, order, bookings)
		}
		if s.Shipments[order].ShipmentID != key {
			v.add("order %s has shipment %q, and the carrier knows %s", order, s.Shipments[order].ShipmentID, key)
		}
	}
	events := s.byOrder()
	for _, order := range s.orders() {
		status := s.Orders[order].Status
		if status == "completed" && live[order] != 1 {
			v.add("order %s is completed, and the carrier has %d bookings for it", order, live[order])
		}
		if status != "completed" && live[order] != 0 {
			v.add("order %s is %s, and the carrier has a booking for it", order, status)
		}
		agree(v, order, "shipment", s.Shipments[order].Status, events[order], map[string][]string{
			"booked": {"ShipmentCreated"},
			"failed": {"ShipmentFailed"},
			"closed": {},
		}, []string{"ShipmentCreated", "ShipmentFailed"})
	}
}

// paidBefore reports whether the provider held the order's money when the carrier
// booked. charges are the provider's entries about the order. One process writes both
// ledgers, by one clock.
func paidBefore(charges []sandbox.Entry, booking sandbox.Entry) bool {
	paid := false
	for _, e := range charges {
		if !e.At.After(booking.At) {
			switch e.Outcome {
			case "captured":
				paid = true
			case "voided", "refunded":
				paid = false
			}
		}
	}
	return paid
}

// checkStock: no piece appears, vanishes, or stays reserved. Of each SKU as many pieces
// were shipped as the completed orders contain.
func (s *Seen) checkStock(v *violations) {
	shipped := map[string]int64{}
	for order, events := range s.byOrder() {
		if s.Orders[order].Status != "completed" {
			continue
		}
		lines, _ := events["OrderPlaced"].Fields["lines"].([]any)
		for _, l := range lines {
			line, _ := l.(map[string]any)
			quantity, _ := number(line["quantity"])
			sku, _ := line["sku"].(string)
			shipped[sku] += quantity
		}
	}
	for _, l := range s.Stock {
		if l.OnHand < 0 || l.Reserved < 0 || l.Shipped < 0 {
			v.add("stock of %s is below zero: %+v", l.SKU, l)
		}
		if l.OnHand+l.Reserved+l.Shipped != l.Received {
			v.add("stock of %s does not add up: %+v", l.SKU, l)
		}
		if l.Reserved != 0 {
			v.add("stock of %s: %d pieces are still reserved", l.SKU, l.Reserved)
		}
		if l.Shipped != shipped[l.SKU] {
			v.add("stock of %s: %d pieces shipped, and the completed orders ask for %d", l.SKU, l.Shipped, shipped[l.SKU])
		}
		delete(shipped, l.SKU)
	}
	for _, sku := range slices.Sorted(maps.Keys(shipped)) {
		v.add("stock of %s: completed orders ask for %d, and it was never received", sku, shipped[sku])
	}
}

// grouped are a ledger's entries by key, in their order. An entry without a key, such
// as the lifting of faults, is left out.
func grouped(entries []sandbox.Entry) map[string][]sandbox.Entry {
	groups := map[string][]sandbox.Entry{}
	for _, e := range entries {
		if e.Key != "" {
			groups[e.Key] = append(groups[e.Key], e)
		}
	}
	return groups
}
