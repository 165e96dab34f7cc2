package flowdoc_test

import (
	"reflect"
	"slices"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

func without[S any](p flow.Participant[S], input string) flow.Participant[S] {
	i := rowOf(p, input)
	p.Reactions = slices.Delete(slices.Clone(p.Reactions), i, i+1)
	return p
}

// replace puts a reaction in the place of that to the same input. What the row
// declares stays declared.
func replace[S any](p flow.Participant[S], r flow.Reaction[S]) flow.Participant[S] {
	i := rowOf(p, flow.Participant[S]{Reactions: []flow.Reaction[S]{r}}.Rows()[0].Input)
	row := p.Rows()[i]
	for _, call := range calls {
		name := reflect.TypeOf(call).Name()
		if row.ResultOf == name {
			r = r.ResultOf(call)
		}
		if slices.Contains(row.Calls, name) {
			r = r.Calls(call)
		}
	}
	p.Reactions = slices.Clone(p.Reactions)
	p.Reactions[i] = r.Emits(row.Emits...)
	return p
}

var calls = []any{payment.Charge{}, payment.Void{}, payment.Refund{}, shipping.Book{}, shipping.Unbook{}}

func rowOf[S any](p flow.Participant[S], input string) int {
	i := slices.IndexFunc(p.Rows(), func(r flow.Row) bool { return r.Input == input })
	if i < 0 {
		panic("no reaction to " + input)
	}
	return i
}

// asBefore is what production does.
func asBefore[S any](p flow.Participant[S], s S, in any, out *flow.Out) S {
	next, o, err := p.React(s, "a mutant", time.Unix(0, 0).UTC(), in)
	if err != nil {
		out.Reject(err)
		return s
	}
	for _, e := range o.Events {
		out.Emit(e)
	}
	for _, call := range o.Calls {
		out.Call(call)
	}
	return next
}

// chargingAgain tries a declined card again while something is left of what
// the currency's name is abused as: a budget.
func chargingAgain(may func(left string) bool) flow.Reaction[payment.Payment] {
	return flow.OnResult[payment.Charged](func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
		if p.Status != payment.Charging || r.Outcome != payment.Declined || !may(p.Currency) {
			return asBefore(payment.Flow, p, r, out)
		}
		p.Currency = p.Currency[min(len(p.Currency), 1):]
		out.Call(payment.Charge{PaymentID: p.ID, OrderID: p.OrderID, Amount: p.Due})
		return p
	}).Calls(payment.Charge{})
}

// countingUp tries a declined card again, each time for more.
func countingUp() flow.Reaction[payment.Payment] {
	return flow.OnResult[payment.Charged](func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
		if p.Status != payment.Charging || r.Outcome != payment.Declined {
			return asBefore(payment.Flow, p, r, out)
		}
		p.Due++
		out.Call(payment.Charge{PaymentID: p.ID, OrderID: p.OrderID, Amount: p.Due})
		return p
	}).Calls(payment.Charge{})
}

// soon is the time that payment lets pass before it says that a card was
// declined.
type soon struct{}

func failingLater(p flow.Participant[payment.Payment]) flow.Participant[payment.Payment] {
	p = replace(p, flow.OnResult[payment.Charged](func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
		if r.Outcome == payment.Declined {
			out.StartTimer(time.Minute, soon{})
			return p
		}
		return asBefore(payment.Flow, p, r, out)
	}).StartsTimer(soon{}))
	p.Reactions = append(p.Reactions, flow.OnTimer[soon](func(p payment.Payment, _ soon, out *flow.Out) payment.Payment {
		return asBefore(payment.Flow, p, payment.Charged{Outcome: payment.Declined}, out)
	}).Emits(events.PaymentFailed{}))
	return p
}

// refundByCharge gives money back by a charge of less than nothing.
func refundByCharge(p flow.Participant[payment.Payment]) flow.Participant[payment.Payment] {
	p = replace(p, flow.OnEvent[events.ShipmentFailed](func(p payment.Payment, e events.ShipmentFailed, out *flow.Out) payment.Payment {
		if p.Status == payment.Paid {
			p.Status, p.Reason = payment.Refunding, e.Reason
			out.Call(payment.Charge{PaymentID: p.ID, OrderID: p.OrderID, Amount: -p.Due})
		}
		return p
	}).Calls(payment.Charge{}))
	return replace(p, flow.OnResult[payment.Charged](func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
		switch {
		case p.Status != payment.Refunding:
			return asBefore(payment.Flow, p, r, out)
		case r.Outcome == payment.Approved:
			return asBefore(payment.Flow, p, payment.Refunded{}, out)
		}
		p.Status = payment.Failed
		out.Emit(events.PaymentFailed{OrderID: p.OrderID, PaymentID: p.ID, Reason: p.Reason})
		return p
	}).Emits(events.PaymentRefunded{}))
}

// bookingAtOnce books on the reservation and does not wait for the payment.
func bookingAtOnce(p flow.Participant[shipping.Shipment]) flow.Participant[shipping.Shipment] {
	p = without(p, events.PaymentProcessed{}.EventType())
	p.Reactions = append(p.Reactions, flow.OnEvent[events.StockReserved](func(s shipping.Shipment, e events.StockReserved, out *flow.Out) shipping.Shipment {
		return asBefore(shipping.Flow, s, events.PaymentProcessed{OrderID: e.OrderID}, out)
	}).Calls(shipping.Book{}).Emits(events.ShipmentFailed{}))
	return p
}

// completingWhenPaid does not wait for the parcel.
func completingWhenPaid(p flow.Participant[order.Order]) flow.Participant[order.Order] {
	return replace(p, flow.OnEvent[events.PaymentProcessed](func(o order.Order, e events.PaymentProcessed, out *flow.Out) order.Order {
		return asBefore(order.Flow, o, events.ShipmentCreated{OrderID: e.OrderID}, out)
	}).Emits(events.OrderCompleted{}))
}
