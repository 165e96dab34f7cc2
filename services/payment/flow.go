package payment

import (
	"fmt"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// Flow is payment's part in the choreography.
var Flow = flow.Participant[Payment]{
	Service: "payment",
	Reactions: []flow.Reaction[Payment]{
		flow.OnEvent[events.OrderPlaced](noteAmount).Calls(Charge{}).Emits(events.PaymentFailed{}),
		flow.OnEvent[events.StockReserved](takePayment).Calls(Charge{}).Emits(events.PaymentFailed{}),
		flow.OnEvent[events.CancellationRequested](standDown),
		flow.OnResult[Charged](settle).ResultOf(Charge{}).Calls(Void{}).Emits(events.PaymentProcessed{}, events.PaymentFailed{}),
		flow.OnResult[Voided](confirmVoid).ResultOf(Void{}).Emits(events.PaymentFailed{}),
		flow.OnEvent[events.ShipmentFailed](giveBack).Calls(Refund{}),
		flow.OnResult[Refunded](confirmRefund).ResultOf(Refund{}).Emits(events.PaymentRefunded{}),
		flow.OnEvent[events.OrderCancelled](finish),
	},
	Compensations: []flow.Compensation{{Step: events.PaymentProcessed{}, By: events.PaymentRefunded{}}},
}

// noteAmount keeps the order's total, currency and token: no later event repeats them.
// A second record of the order, under another id, changes nothing. A void or refund
// must carry the same key as the charge.
func noteAmount(p Payment, e events.OrderPlaced, out *flow.Out) Payment {
	if p.Placed {
		return p
	}
	p.OrderID, p.Placed = e.OrderID, true
	p.ID = out.ID("payment")
	p.Due, p.Currency, p.Token = e.Total, e.Currency, e.PaymentToken
	return charge(p, out)
}

func takePayment(p Payment, e events.StockReserved, out *flow.Out) Payment {
	p.OrderID, p.Held = e.OrderID, true
	return charge(p, out)
}

// charge starts once both OrderPlaced and StockReserved were handled. Either may come
// last: the two owners' topics have no order between them. If a cancellation was
// requested by then, the payment fails with its reason, so that inventory releases the
// stock.
func charge(p Payment, out *flow.Out) Payment {
	switch {
	case !p.Held || !p.Placed || p.Status != Waiting:
	case p.CancelRequested:
		p.Status = Failed
		out.Emit(events.PaymentFailed{OrderID: p.OrderID, PaymentID: p.ID, Reason: p.Reason})
	default:
		p.Status = Charging
		out.Call(Charge{PaymentID: p.ID, OrderID: p.OrderID, Amount: p.Due, Currency: p.Currency, Token: p.Token})
	}
	return p
}

// standDown keeps a charge from starting. It does not stop a charge in flight:
// shipping, which is next, stops the order.
func standDown(p Payment, e events.CancellationRequested, _ *flow.Out) Payment {
	p.OrderID = e.OrderID
	if p.Status == Waiting && !p.CancelRequested {
		p.CancelRequested, p.Reason = true, e.Reason
	}
	return p
}

// settle handles the provider's answer. An unknown outcome is not a refusal: the money
// may have moved. The charge is voided first, and only then does the payment fail.
func settle(p Payment, r Charged, out *flow.Out) Payment {
	if p.Status != Charging {
		return p
	}
	switch r.Outcome {
	case Approved:
		p.Status = Paid
		out.Emit(events.PaymentProcessed{OrderID: p.OrderID, PaymentID: p.ID, Amount: p.Due, Currency: p.Currency})
	case Declined:
		p = fail(p, events.ReasonDeclined, out)
	case GivenUp:
		p = fail(p, events.ReasonProviderUnavailable, out)
	case Unknown:
		p.Status = Voiding
		out.Call(Void{PaymentID: p.ID, OrderID: p.OrderID})
	default:
		out.Reject(fmt.Errorf("charge ended %q", r.Outcome))
	}
	return p
}

// confirmVoid ends a charge of unknown outcome: the provider has undone any effect, and
// its tombstone refuses a copy that arrives late.
func confirmVoid(p Payment, _ Voided, out *flow.Out) Payment {
	if p.Status != Voiding {
		return p
	}
	return fail(p, events.ReasonProviderUnavailable, out)
}

func fail(p Payment, reason events.Reason, out *flow.Out) Payment {
	p.Status, p.Reason = Failed, reason
	out.Emit(events.PaymentFailed{OrderID: p.OrderID, PaymentID: p.ID, Reason: reason})
	return p
}

// giveBack compensates the charge by a refund.
func giveBack(p Payment, e events.ShipmentFailed, out *flow.Out) Payment {
	if p.Status != Paid {
		return p
	}
	p.Status, p.Reason = Refunding, e.Reason
	out.Call(Refund{PaymentID: p.ID, OrderID: p.OrderID, Amount: p.Due})
	return p
}

func confirmRefund(p Payment, _ Refunded, out *flow.Out) Payment {
	if p.Status != Refunding {
		return p
	}
	p.Status = MoneyBack
	out.Emit(events.PaymentRefunded{OrderID: p.OrderID, PaymentID: p.ID, Amount: p.Due, Currency: p.Currency, Reason: p.Reason})
	return p
}

// finish closes a payment that never began: its stock was rejected.
func finish(p Payment, e events.OrderCancelled, _ *flow.Out) Payment {
	p.OrderID = e.OrderID
	if p.Status == Waiting {
		p.Status = Closed
	}
	return p
}
