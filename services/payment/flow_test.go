package payment

import (
	"testing"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

var (
	placed    = events.OrderPlaced{OrderID: "o-1", Total: 1200, Currency: "EUR", PaymentToken: "tok_ok"}
	reserved  = events.StockReserved{OrderID: "o-1"}
	asked     = events.CancellationRequested{OrderID: "o-1", Reason: events.ReasonCustomer}
	unshipped = events.ShipmentFailed{OrderID: "o-1", ShipmentID: "s-1", Reason: events.ReasonCarrierRefused}
	cancelled = events.OrderCancelled{OrderID: "o-1", Reason: events.ReasonCustomer}

	theCharge = Charge{OrderID: "o-1", Amount: 1200, Currency: "EUR", Token: "tok_ok"}
	theVoid   = Void{OrderID: "o-1"}
	theRefund = Refund{OrderID: "o-1", Amount: 1200}
)

// ways is one history that leads to each status.
func ways() map[Status][]any {
	return map[Status][]any{
		Charging:  {placed, reserved},
		Voiding:   {placed, reserved, Charged{Outcome: Unknown}},
		Paid:      {placed, reserved, Charged{Outcome: Approved}},
		Refunding: {placed, reserved, Charged{Outcome: Approved}, unshipped},
		Failed:    {placed, reserved, Charged{Outcome: Declined}},
		MoneyBack: {placed, reserved, Charged{Outcome: Approved}, unshipped, Refunded{}},
		Closed:    {placed, cancelled},
	}
}

func run(t *testing.T, cases []flowtest.Case[Payment]) {
	t.Helper()
	t.Parallel() // most of a case is waiting
	flowtest.Run(t, flowtest.Suite[Payment]{
		Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS, Ignore: []string{"paymentId"},
	}, cases)
}

func is(want Status) func(*testing.T, Payment) {
	return func(t *testing.T, p Payment) {
		if p.Status != want {
			t.Errorf("status is %q, want %q", p.Status, want)
		}
	}
}

func failed(reason events.Reason) []any {
	return []any{events.PaymentFailed{OrderID: "o-1", Reason: reason}}
}

func TestChargeWaitsForAmountAndReservation(t *testing.T) {
	run(t, []flowtest.Case[Payment]{
		{Name: "amount alone", When: placed, State: is(Waiting)},
		{Name: "reservation alone", When: reserved, State: is(Waiting)},
		{Name: "amount then reservation", Given: []any{placed}, When: reserved, Then: []any{theCharge}, State: is(Charging)},
		{Name: "reservation then amount", Given: []any{reserved}, When: placed, Then: []any{theCharge}, State: is(Charging)},
	})
}

func TestAnswerOfTheProviderDecides(t *testing.T) {
	charging := []any{placed, reserved}
	paid := events.PaymentProcessed{OrderID: "o-1", Amount: 1200, Currency: "EUR"}
	run(t, []flowtest.Case[Payment]{
		{Name: "approved", Given: charging, When: Charged{Outcome: Approved}, Then: []any{paid}, State: is(Paid)},
		{Name: "declined", Given: charging, When: Charged{Outcome: Declined}, Then: failed(events.ReasonDeclined), State: is(Failed)},
		{Name: "given up", Given: charging, When: Charged{Outcome: GivenUp}, Then: failed(events.ReasonProviderUnavailable), State: is(Failed)},
		{Name: "unknown is undone before it is called failed", Given: charging, When: Charged{Outcome: Unknown}, Then: []any{theVoid}, State: is(Voiding)},
		{Name: "undone", Given: ways()[Voiding], When: Voided{}, Then: failed(events.ReasonProviderUnavailable), State: is(Failed)},
	})
}

func TestUnshippableOrderIsRefundedOnlyIfPaid(t *testing.T) {
	back := events.PaymentRefunded{OrderID: "o-1", Amount: 1200, Currency: "EUR", Reason: events.ReasonCarrierRefused}
	cases := []flowtest.Case[Payment]{
		{Name: "paid", Given: ways()[Paid], When: unshipped, Then: []any{theRefund}, State: is(Refunding)},
		{Name: "refunded", Given: ways()[Refunding], When: Refunded{}, Then: []any{back}, State: is(MoneyBack)},
		{Name: "nothing known", When: unshipped, State: is(Waiting)},
	}
	for status, way := range ways() {
		if status != Paid {
			cases = append(cases, flowtest.Case[Payment]{Name: "nothing to give back when " + string(status), Given: way, When: unshipped, State: is(status)})
		}
	}
	run(t, cases)
}

func TestCancellationBeforeTheChargeMakesItVoid(t *testing.T) {
	stoodDown := func(t *testing.T, p Payment) {
		if !p.CancelRequested || p.Reason != events.ReasonCustomer || p.Status != Waiting {
			t.Errorf("got %+v, want it waiting, standing down for the customer", p)
		}
	}
	deadline := events.CancellationRequested{OrderID: "o-1", Reason: events.ReasonDeadline}
	void := failed(events.ReasonCustomer)
	run(t, []flowtest.Case[Payment]{
		{Name: "first of all", When: asked, State: stoodDown},
		{Name: "amount known", Given: []any{placed}, When: asked, State: stoodDown},
		{Name: "stock reserved", Given: []any{reserved}, When: asked, State: stoodDown},
		{Name: "asked, amount, reservation", Given: []any{asked, placed}, When: reserved, Then: void, State: is(Failed)},
		{Name: "asked, reservation, amount", Given: []any{asked, reserved}, When: placed, Then: void, State: is(Failed)},
		{Name: "amount, asked, reservation", Given: []any{placed, asked}, When: reserved, Then: void, State: is(Failed)},
		{Name: "reservation, asked, amount", Given: []any{reserved, asked}, When: placed, Then: void, State: is(Failed)},
		{Name: "the first reason counts", Given: []any{placed, asked, deadline}, When: reserved, Then: void, State: is(Failed)},
	})
}

func TestCancellationAfterChargeCallIsIgnored(t *testing.T) {
	var cases []flowtest.Case[Payment]
	for status, way := range ways() {
		cases = append(cases, flowtest.Case[Payment]{Name: string(status), Given: way, When: asked, State: func(t *testing.T, p Payment) {
			is(status)(t, p)
			if p.CancelRequested || p.Reason == events.ReasonCustomer {
				t.Errorf("got %+v, want no trace of the cancellation", p)
			}
		}})
	}
	run(t, append(cases,
		flowtest.Case[Payment]{Name: "and the answer is taken as if nothing was asked", Given: append(ways()[Charging], asked),
			When: Charged{Outcome: Approved}, Then: []any{events.PaymentProcessed{OrderID: "o-1", Amount: 1200, Currency: "EUR"}}, State: is(Paid)},
	))
}

func TestOrderCancelledClosesOnlyUnstartedPayment(t *testing.T) {
	cases := []flowtest.Case[Payment]{
		{Name: "nothing known", When: cancelled, State: is(Closed)},
		{Name: "amount known", Given: []any{placed}, When: cancelled, State: is(Closed)},
		{Name: "asked before", Given: []any{placed, asked}, When: cancelled, State: is(Closed)},
		{Name: "closed is not opened by a reservation", Given: []any{placed, cancelled}, When: reserved, State: is(Closed)},
		{Name: "closed is not opened by an amount", Given: []any{reserved, cancelled}, When: placed, State: is(Closed)},
	}
	for status, way := range ways() {
		cases = append(cases, flowtest.Case[Payment]{Name: "stays " + string(status), Given: way, When: cancelled, State: is(status)})
	}
	run(t, cases)
}

// A producer without idempotence may write an order twice, under two ids. A
// charge under way must keep its key: a void under another one undoes nothing.
func TestDuplicateOrderKeepsPaymentAndAmount(t *testing.T) {
	again := placed
	again.Total, again.PaymentToken = 999_999, "tok_other"
	first := flow.DeriveID("", flowtest.RecordID(0), "payment", "payment", 0)
	same := func(t *testing.T, p Payment) {
		if p.ID != first || p.Due != 1200 || p.Token != "tok_ok" {
			t.Errorf("got %+v, want payment %s of 1200 as it was first", p, first)
		}
	}
	run(t, []flowtest.Case[Payment]{
		{Name: "once", When: placed, State: same},
		{Name: "waiting", Given: []any{placed}, When: again, State: same},
		{Name: "charging", Given: []any{placed, reserved}, When: again, State: same},
		{Name: "reserved twice", Given: []any{placed, reserved}, When: reserved, State: same},
		{Name: "then voided", Given: []any{placed, reserved, again}, When: Charged{Outcome: Unknown}, Then: []any{theVoid}, State: same},
	})
}
