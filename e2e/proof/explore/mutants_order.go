package explore

import (
	"time"

	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/order"
)

// ends is an order that ends, without a look at whether its deadline runs.
func ends(o order.Order, status order.Status, reason events.Reason, shown string, out *flow.Out) order.Order {
	o.Status, o.Reason = status, reason
	return shows(o, shown, reason, out)
}

func shows(o order.Order, event string, why events.Reason, out *flow.Out) order.Order {
	o.Progress = append(slices.Clone(o.Progress), order.Step{Event: event, At: out.Now(), Why: why})
	return o
}

// orderMutants are about how an order is cancelled.
func orderMutants() []Mutant {
	type own[E any] = reaction[E, order.Order]
	return []Mutant{
		{
			Name: "cancel-after-pivot", Tells: "a cancellation is accepted after the order has completed", Scope: cancelling, Property: endsStand,
			Break: func(s *System) {
				spoilCommand(&s.Order, hearing(func(o order.Order, c order.CancelOrder) (order.Order, order.CancelOrder) {
					if o.Status == order.Completed {
						o.Status = order.Pending
					}
					return o, c
				}))
			},
		},
		{
			Name: "cancel-at-once", Tells: "a cancellation is promised, and not just asked for", Scope: cancelling, Property: cancelledIsUndone,
			Break: func(s *System) {
				spoilCommand(&s.Order, func(own own[order.CancelOrder]) own[order.CancelOrder] {
					return func(o order.Order, c order.CancelOrder, out *flow.Out) order.Order {
						asked := o.Status == order.Pending
						o = own(o, c, out)
						if asked {
							out.Emit(events.OrderCancelled{OrderID: o.ID, Reason: o.Reason})
							o = ends(o, order.Cancelled, o.Reason, "OrderCancelled", out)
						}
						return o
					}
				})
			},
		},
		{
			Name: "ask-twice", Tells: "an order that is being cancelled is asked to be cancelled when its time is up, too", Scope: impatient, Property: factsToldOnce,
			Break: func(s *System) {
				s.Order = replace(s.Order, free("order", flow.OnTimer[order.Deadline](func(o order.Order, _ order.Deadline, out *flow.Out) order.Order {
					if o.Status.Terminal() {
						return o
					}
					out.Emit(events.CancellationRequested{OrderID: o.ID, Reason: events.ReasonDeadline})
					return ends(o, order.Cancelling, events.ReasonDeadline, "CancellationRequested", out)
				})))
			},
		},
	}
}

// endMutants are about how an order ends, and what is shown of it.
func endMutants() []Mutant {
	type own[E any] = reaction[E, order.Order]
	return []Mutant{
		{
			Name: "complete-when-paid", Tells: "an order completes when it is paid", Scope: refused, Property: moneyWhereDue,
			Break: func(s *System) {
				spoil(&s.Order, func(own own[events.PaymentProcessed]) own[events.PaymentProcessed] {
					return func(o order.Order, e events.PaymentProcessed, out *flow.Out) order.Order {
						if o = own(o, e, out); o.Status.Terminal() {
							return o
						}
						out.Emit(events.OrderCompleted{OrderID: o.ID})
						return ends(o, order.Completed, "", "OrderCompleted", out)
					}
				})
			},
		},
		{
			Name: "late-news-reopens", Tells: "progress that arrives late takes an order off its end", Scope: smooth, Property: endsStand,
			Break: func(s *System) {
				spoil(&s.Order, keeping[events.StockReserved](func(o order.Order) order.Order {
					o.Status = order.Pending
					return o
				}))
			},
		},
		{
			Name: "foreign-order-watched", Tells: "an order of somebody else's gets a time of its own as soon as it is known, again and again, and nothing follows when it is over", Scope: watched, Property: cancellationsHeeded,
			Break: func(s *System) {
				reserved, expire := original[events.StockReserved](s.Order), original[order.Deadline](s.Order)
				s.Order = replace(s.Order, free("order", flow.OnEvent[events.StockReserved](func(o order.Order, e events.StockReserved, out *flow.Out) order.Order {
					if o = reserved(o, e, out); o.External {
						out.StartTimer(time.Hour, order.Deadline{})
					}
					return o
				})))
				s.Order = replace(s.Order, free("order", flow.OnTimer[order.Deadline](func(o order.Order, d order.Deadline, out *flow.Out) order.Order {
					if !o.External {
						return expire(o, d, out)
					}
					out.StartTimer(time.Hour, order.Deadline{})
					return o
				})))
			},
		},
		{
			Name: "clock-looked-at", Tells: "an order whose time is up gets the same time once more if it was not placed this very moment", Scope: impatient, Property: nothingParks,
			Break: func(s *System) {
				expire := original[order.Deadline](s.Order)
				s.Order = replace(s.Order, free("order", flow.OnTimer[order.Deadline](func(o order.Order, d order.Deadline, out *flow.Out) order.Order {
					if out.Now().After(o.PlacedAt) {
						out.StartTimer(time.Hour, d)
						return o
					}
					return expire(o, d, out)
				})))
			},
		},
		{
			Name: "rejection-unheard", Tells: "nobody ends an order that is out of stock", Scope: soldOut, Property: everyOrderEnds,
			Break: func(s *System) { forget[events.StockRejected](&s.Order) },
		},
		{
			Name: "end-without-word", Tells: "an order that is out of stock ends, and nobody is told", Scope: soldOut, Property: oneEndTold,
			Break: func(s *System) {
				spoil(&s.Order, func(own[events.StockRejected]) own[events.StockRejected] {
					return func(o order.Order, e events.StockRejected, _ *flow.Out) order.Order {
						o.Status, o.Reason = order.Cancelled, e.Reason
						return o
					}
				})
			},
		},
		{
			Name: "progress-unseen", Tells: "the customer is not shown that the payment went through", Scope: smooth, Property: progressShown,
			Break: func(s *System) { forget[events.PaymentProcessed](&s.Order) },
		},
	}
}
