package flowdoc_test

import (
	"errors"
	"slices"
	"time"

	"github.com/quintet-eda/quintet/e2e/proof/flowdoc"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

type mutant struct {
	check, name string
	do          func(*flowdoc.Choreography)
	says        string // part of a sentence that finds it
}

func mutants() []mutant {
	return slices.Concat(noWayOut(), badBranches(), noSaga(), cycles())
}

func noWayOut() []mutant {
	unknown := func(then func(*flow.Out)) flow.Reaction[payment.Payment] {
		return flow.OnResult[payment.Charged](func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
			if r.Outcome == payment.Unknown {
				then(out)
				return p
			}
			return asBefore(payment.Flow, p, r, out)
		})
	}
	return []mutant{
		{"ways out", "a void is never confirmed", func(c *flowdoc.Choreography) {
			c.Payment = without(c.Payment, "Voided")
		}, `payment has asked for Void in state "voiding", and takes no result of it`},
		{"ways out", "an unknown outcome is passed over", func(c *flowdoc.Choreography) {
			c.Payment = replace(c.Payment, unknown(func(*flow.Out) {}))
		}, `payment takes Charged{Outcome:unknown} in state "charging", and nothing comes of it`},
		{"ways out", "an unknown outcome is refused", func(c *flowdoc.Choreography) {
			c.Payment = replace(c.Payment, unknown(func(out *flow.Out) { out.Reject(errors.New("what now")) }))
		}, `payment refuses Charged{Outcome:unknown} in state "charging": what now`},
		{"ways out", "order puts out what its table does not declare", func(c *flowdoc.Choreography) {
			c.Order = replace(c.Order, flow.OnCommand[order.CancelOrder](func(o order.Order, _ order.CancelOrder, out *flow.Out) order.Order {
				out.Emit(events.OrderCancelled{OrderID: o.ID})
				return o
			}))
		}, `order refuses CancelOrder{OrderID:order} in state "pending": emit quintet.order.OrderCancelled: output is not declared`},
		{"ways out", "a timer that nobody takes", func(c *flowdoc.Choreography) {
			c.Payment = without(failingLater(c.Payment), "soon")
		}, `after OrderPlaced, StockReserved nothing follows, and the order has no end`},
		{"ways out", "stock is kept after a declined card", func(c *flowdoc.Choreography) {
			c.Inventory = without(c.Inventory, events.PaymentFailed{}.EventType())
		}, `order waits in state "pending" for`},
		{"ways out", "a released reservation nobody hears of", func(c *flowdoc.Choreography) {
			c.Order = replace(c.Order, flow.OnEvent[events.StockReleased](func(o order.Order, _ events.StockReleased, _ *flow.Out) order.Order { return o }))
		}, `StockReleased, PaymentFailed nothing follows, and the order has no end`},
		{"ways out", "shipping stands down and tells nobody", func(c *flowdoc.Choreography) {
			c.Shipping = replace(c.Shipping, flow.OnEvent[events.PaymentProcessed](func(s shipping.Shipment, e events.PaymentProcessed, out *flow.Out) shipping.Shipment {
				if s.CancelRequested {
					s.Status = shipping.Failed
					return s
				}
				return asBefore(shipping.Flow, s, e, out)
			}))
		}, `payment waits in state "paid" for ShipmentFailed`},
		{"ways out", "the payment comes before the address and is dropped", func(c *flowdoc.Choreography) {
			c.Shipping = replace(c.Shipping, flow.OnEvent[events.PaymentProcessed](func(s shipping.Shipment, e events.PaymentProcessed, out *flow.Out) shipping.Shipment {
				if !s.Placed {
					return s
				}
				return asBefore(shipping.Flow, s, e, out)
			}))
		}, `after OrderPlaced, StockReserved, PaymentProcessed nothing follows`},
	}
}

func badBranches() []mutant {
	return []mutant{
		{"branches", "payment does not hear that the order is cancelled", func(c *flowdoc.Choreography) {
			c.Payment = without(c.Payment, events.OrderCancelled{}.EventType())
		}, `payment still waits in state "waiting" for StockReserved`},
		{"branches", "shipping hears it and goes on waiting", func(c *flowdoc.Choreography) {
			c.Shipping = replace(c.Shipping, flow.OnEvent[events.OrderCancelled](func(s shipping.Shipment, _ events.OrderCancelled, _ *flow.Out) shipping.Shipment { return s }))
		}, `shipping still waits in state "waiting" for PaymentProcessed`},
		{"branches", "order cancels without asking anybody", func(c *flowdoc.Choreography) {
			c.Order = replace(c.Order, flow.OnCommand[order.CancelOrder](func(o order.Order, _ order.CancelOrder, out *flow.Out) order.Order {
				if o.Status != order.Pending {
					return o
				}
				o.Status = order.Cancelled
				out.StopTimer(order.Deadline{})
				out.Emit(events.OrderCancelled{OrderID: o.ID, Reason: events.ReasonCustomer})
				return o
			}).Emits(events.OrderCancelled{}))
		}, `decisions and not one: OrderCancelled by order, ShipmentCreated by shipping`},
		{"branches", "shipping turns a booking round that the carrier may take", func(c *flowdoc.Choreography) {
			c.Shipping = replace(c.Shipping, flow.OnEvent[events.CancellationRequested](func(s shipping.Shipment, e events.CancellationRequested, out *flow.Out) shipping.Shipment {
				if s.Status == shipping.Booking {
					out.Emit(events.ShipmentFailed{OrderID: s.OrderID, ShipmentID: s.ID, Reason: e.Reason})
				}
				return asBefore(shipping.Flow, s, e, out)
			}).Emits(events.ShipmentFailed{}))
		}, `decisions and not one: CancellationRequested by order, ShipmentCreated by shipping`},
		{"branches", "payment and shipping act on the reservation, each for itself", func(c *flowdoc.Choreography) {
			c.Shipping = bookingAtOnce(c.Shipping)
		}, `PaymentFailed by payment, ShipmentCreated by shipping`},
	}
}

func noSaga() []mutant {
	return []mutant{
		{"pivots", "a paid order is a completed order", func(c *flowdoc.Choreography) {
			c.Order = completingWhenPaid(c.Order)
		}, `PaymentRefunded undoes it`},
		{"pivots", "the charge and the booking are each a point of no return", func(c *flowdoc.Choreography) {
			c.Shipping, c.Order = bookingAtOnce(c.Shipping), completingWhenPaid(c.Order)
		}, `completes and has 2 pivots`},
		{"pivots", "no parcel is ever taken", func(c *flowdoc.Choreography) {
			c.Shipping = replace(c.Shipping, flow.OnResult[shipping.BookingAnswered](func(s shipping.Shipment, _ shipping.BookingAnswered, out *flow.Out) shipping.Shipment {
				return asBefore(shipping.Flow, s, shipping.BookingAnswered{Outcome: shipping.Refused}, out)
			}))
		}, `no complete log holds OrderCompleted`},
		{"pivots", "nothing says how a charge is undone", func(c *flowdoc.Choreography) {
			c.Payment.Compensations = nil
		}, `payment says PaymentProcessed before the pivot, and nothing is declared to undo it`},
		{"pivots", "money goes back whenever the customer asks", func(c *flowdoc.Choreography) {
			c.Payment = replace(c.Payment, flow.OnEvent[events.CancellationRequested](func(p payment.Payment, e events.CancellationRequested, out *flow.Out) payment.Payment {
				if p.Status == payment.Paid {
					return asBefore(payment.Flow, p, events.ShipmentFailed{OrderID: p.OrderID, Reason: e.Reason}, out)
				}
				return asBefore(payment.Flow, p, e, out)
			}).Calls(payment.Refund{}))
		}, `completes and PaymentRefunded undoes it`},
		{"pivots", "an order ends before its stock is back", func(c *flowdoc.Choreography) {
			c.Inventory = without(c.Inventory, events.PaymentRefunded{}.EventType())
			c.Order = replace(c.Order, flow.OnEvent[events.PaymentRefunded](func(o order.Order, e events.PaymentRefunded, out *flow.Out) order.Order {
				return asBefore(order.Flow, o, events.StockReleased{OrderID: e.OrderID, Reason: e.Reason}, out)
			}).Emits(events.OrderCancelled{}))
		}, `is cancelled and StockReserved stands`},
		{"pivots", "a refund is a charge, which can be declined", func(c *flowdoc.Choreography) {
			c.Payment = refundByCharge(c.Payment)
		}, `is cancelled and PaymentProcessed stands`},
		{"pivots", "an order is booked before it is paid", func(c *flowdoc.Choreography) {
			c.Shipping = bookingAtOnce(c.Shipping)
		}, `has the pivot ShipmentCreated and does not just complete`},
	}
}

func cycles() []mutant {
	return []mutant{
		{"cycles", "a declined card is tried again and again", func(c *flowdoc.Choreography) {
			c.Payment = replace(c.Payment, chargingAgain(func(string) bool { return true }))
		}, `payment comes back to state "charging" by its own calls and timers`},
		{"cycles", "an unpaid order is placed anew", func(c *flowdoc.Choreography) {
			c.Order = replace(c.Order, flow.OnEvent[events.PaymentFailed](func(o order.Order, e events.PaymentFailed, out *flow.Out) order.Order {
				out.Emit(events.OrderPlaced{OrderID: e.OrderID, Total: o.Total, Lines: o.Lines})
				return o
			}).Emits(events.OrderPlaced{}))
		}, `PaymentFailed leads to OrderPlaced, and that to PaymentFailed again`},
		{"cycles", "a deadline starts itself again", func(c *flowdoc.Choreography) {
			c.Order = replace(c.Order, flow.OnTimer[order.Deadline](func(o order.Order, d order.Deadline, out *flow.Out) order.Order {
				out.StartTimer(time.Hour, d)
				return asBefore(order.Flow, o, d, out)
			}).StartsTimer(order.Deadline{}))
		}, `order comes back to state "cancelling"`},
		{"cycles", "an order that is being cancelled is asked to be again", func(c *flowdoc.Choreography) {
			c.Order = replace(c.Order, flow.OnTimer[order.Deadline](func(o order.Order, _ order.Deadline, out *flow.Out) order.Order {
				o.Status, o.Reason = order.Cancelling, events.ReasonDeadline
				out.Emit(events.CancellationRequested{OrderID: o.ID, Reason: o.Reason})
				return o
			}))
		}, `order emits CancellationRequested again on Deadline in state "cancelling"`},
		{"cycles", "stock is released as often as somebody says so", func(c *flowdoc.Choreography) {
			c.Inventory = replace(c.Inventory, flow.OnEvent[events.PaymentFailed](func(r inventory.Reservation, e events.PaymentFailed, out *flow.Out) inventory.Reservation {
				out.Emit(events.StockReleased{OrderID: e.OrderID, Reason: e.Reason})
				return asBefore(inventory.Flow, r, e, out)
			}))
		}, `inventory emits StockReleased again on PaymentFailed`},
	}
}
