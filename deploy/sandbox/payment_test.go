package sandbox_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	isCaptured    = `200 {"status":"captured"}`
	isDeclined    = `402 {"status":"declined"}`
	isVoided      = `200 {"status":"voided"}`
	isRefunded    = `200 {"status":"refunded"}`
	isUnavailable = `503 {"status":"unavailable"}`

	theVoid   = `{"orderId":"o-1"}`
	theRefund = `{"orderId":"o-1","amount":1250}`
)

func charge(token string) string {
	return fmt.Sprintf(`{"orderId":"o-1","amount":1250,"currency":"USD","token":%q}`, token)
}

// step is one call and its answer; no answer at all is "".
type step struct {
	method, path, body string
	want               reply
}

func TestAPaymentGoesAsItsTokenSays(t *testing.T) {
	t.Parallel()
	query := func(want reply) step { return step{"GET", "/payments/k", "", want} }
	pay := func(token string, want reply) step { return step{"POST", "/payments/k/charge", charge(token), want} }
	void := func(want reply) step { return step{"POST", "/payments/k/void", theVoid, want} }
	refund := func(want reply) step { return step{"POST", "/payments/k/refund", theRefund, want} }
	lift := step{"DELETE", "/faults", "", "204 "}

	tests := []struct {
		name   string
		steps  []step
		ledger []string
	}{
		{
			"ok is captured once", []step{pay("tok_ok", isCaptured), pay("tok_ok", isCaptured), query(isCaptured)},
			[]string{"charge captured", "charge repeat"},
		},
		{
			"declined stays declined", []step{pay("tok_declined", isDeclined), pay("tok_declined", isDeclined), query(`200 {"status":"declined"}`), refund(`409 {"status":"declined"}`)},
			[]string{"charge declined", "charge repeat", "refund rejected"},
		},
		{
			"timeout captures and answers the repeat only", []step{pay("tok_timeout", ""), query(isCaptured), pay("tok_timeout", isCaptured)},
			[]string{"charge captured ?", "charge repeat"},
		},
		{
			"lost is silent about everything until lifted, and does it all the same",
			[]step{pay("tok_lost", ""), query(""), pay("tok_lost", ""), void(""), void(""), lift, query(isVoided), void(isVoided), pay("tok_lost", `409 {"status":"voided"}`)},
			[]string{"charge captured ?", "charge repeat ?", "void voided ?", "void repeat ?", "lift lifted", "void repeat", "charge rejected"},
		},
		{
			"lost can be refunded in the dark, once", []step{pay("tok_lost", ""), refund(""), refund(""), lift, refund(isRefunded)},
			[]string{"charge captured ?", "refund refunded ?", "refund repeat ?", "lift lifted", "refund repeat"},
		},
		{
			"flaky works at the third attempt", []step{pay("tok_flaky", isUnavailable), pay("tok_flaky", isUnavailable), pay("tok_flaky", isCaptured), pay("tok_flaky", isCaptured)},
			[]string{"charge unavailable", "charge unavailable", "charge captured", "charge repeat"},
		},
		{
			"down works when lifted", []step{pay("tok_down", isUnavailable), pay("tok_down", isUnavailable), pay("tok_down", isUnavailable), lift, pay("tok_down", isCaptured)},
			[]string{"charge unavailable", "charge unavailable", "charge unavailable", "lift lifted", "charge captured"},
		},
		{
			"a void before the charge is a tombstone", []step{void(isVoided), pay("tok_ok", `409 {"status":"voided"}`), query(isVoided)},
			[]string{"void voided", "charge rejected"},
		},
		{
			"a void after the capture undoes it", []step{pay("tok_ok", isCaptured), void(isVoided), void(isVoided), pay("tok_ok", `409 {"status":"voided"}`), refund(`409 {"status":"voided"}`)},
			[]string{"charge captured", "void voided", "void repeat", "charge rejected", "refund rejected"},
		},
		{
			"a refund happens once, and a void then gives nothing back", []step{pay("tok_ok", isCaptured), refund(isRefunded), refund(isRefunded), void(isRefunded), pay("tok_ok", isCaptured), query(isRefunded)},
			[]string{"charge captured", "refund refunded", "refund repeat", "void rejected", "charge repeat"},
		},
		{
			"a refund before the charge decides nothing", []step{refund(`409 {"status":"unknown"}`), pay("tok_ok", isCaptured)},
			[]string{"refund rejected", "charge captured"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			for _, s := range tt.steps {
				if s.want == "" {
					w.expectSilence(s.method, s.path, s.body)
				} else {
					w.expect(s.method, s.path, s.body, s.want)
				}
			}
			if diff := cmp.Diff(tt.ledger, w.story("payments")); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASlowPaymentTakesTwoSecondsOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	began := time.Now()
	w.expect("POST", "/payments/k/charge", charge("tok_slow"), isCaptured)
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("captured after %v, want 2 s", took)
	}
	w.expect("POST", "/payments/k/charge", charge("tok_slow"), isCaptured)
	if took := time.Since(began); took > 3900*time.Millisecond {
		t.Errorf("the repeat was slow too: %v for both", took)
	}
}

func TestSlowPaymentIsCapturedAfterClientTimeout(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.expectSilence("POST", "/payments/k/charge", charge("tok_slow"))
	eventually(t, "captured, unanswered", func() bool {
		return cmp.Equal(w.story("payments"), []string{"charge captured ?"})
	})
}

func TestFiftyConcurrentChargesOfOneKeyCaptureOnce(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"tok_ok", "tok_slow", "tok_timeout"} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			var calls sync.WaitGroup
			answers := make(chan reply, 50)
			for range 50 {
				calls.Go(func() {
					if got, err := w.send(t.Context(), "POST", "/payments/k/charge", charge(token)); err == nil {
						answers <- got
					}
				})
			}
			want := 50
			if token == "tok_timeout" {
				want = 49 // the one that captured waits for ever, until the sandbox stops
			}
			for range want {
				if got := <-answers; got != isCaptured {
					t.Errorf("got %s", got)
				}
			}
			times := map[string]int{}
			for _, e := range w.ledger("payments", "") {
				times[e.Outcome]++
			}
			if diff := cmp.Diff(map[string]int{"captured": 1, "repeat": 49}, times); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
			if err := w.stop(); err != nil {
				t.Error(err)
			}
			calls.Wait()
		})
	}
}

func TestAKeyServesOneRequestOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.expect("POST", "/payments/k/charge", charge("tok_ok"), isCaptured)
	const reused = `422 {"title":"Unprocessable Entity","status":422,"detail":"key \"k\" was used before with another request: %s must stay the same"}`
	chargeReused := reply(fmt.Sprintf(reused, "orderId, amount, currency and token"))
	w.expect("POST", "/payments/k/charge", `{"orderId":"o-1","amount":1251,"currency":"USD","token":"tok_ok"}`, chargeReused)
	w.expect("POST", "/payments/k/charge", `{"orderId":"o-2","amount":1250,"currency":"USD","token":"tok_ok"}`, chargeReused)
	w.expect("POST", "/payments/k/charge", `{"orderId":"o-1","amount":1250,"currency":"EUR","token":"tok_ok"}`, chargeReused)
	w.expect("POST", "/payments/k/void", `{"orderId":"o-2"}`, reply(fmt.Sprintf(reused, "orderId")))
	w.expect("POST", "/payments/k/refund", `{"orderId":"o-1","amount":1251}`, `422 {"title":"Unprocessable Entity","status":422,"detail":"the refund is larger than the payment"}`)
	w.expect("POST", "/payments/k/refund", `{"orderId":"o-1","amount":1000}`, isRefunded)
	w.expect("POST", "/payments/k/refund", theRefund, reply(fmt.Sprintf(reused, "orderId and amount")))
	if diff := cmp.Diff([]string{"charge captured", "refund refunded"}, w.story("payments")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestAWrongCallIsToldEachBadField(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.expect("POST", "/payments/k/charge", `{"amount":0,"currency":"usd"}`,
		`400 {"title":"Bad Request","status":400,"detail":"see errors","errors":[{"field":"orderId","detail":"is missing"},{"field":"amount","detail":"must be above zero, in minor units"},{"field":"currency","detail":"must be three capital letters"},{"field":"token","detail":"is missing"}]}`)
	w.expect("POST", "/payments/k/charge", `{"amount":"12"}`,
		`400 {"title":"Bad Request","status":400,"detail":"see errors","errors":[{"field":"amount","detail":"must not be a JSON string"}]}`)
	w.expect("POST", "/shipments/k/book", `{"orderId":"o-1","address":{},"lines":[{"sku":"a","quantity":0}]}`,
		`400 {"title":"Bad Request","status":400,"detail":"see errors","errors":[{"field":"address.country","detail":"is missing"},{"field":"lines[0].quantity","detail":"must be above zero"}]}`)
	w.expect("GET", "/payments/k", "", `404 {"title":"Not Found","status":404,"detail":"there is no payment with key \"k\""}`)
	w.expect("PUT", "/payments/k", "", `405 {"title":"Method Not Allowed","status":405}`)
	if got := w.story("payments"); len(got) > 0 {
		t.Errorf("wrong calls left %q", got)
	}
}

func TestALiftIsForTheKeysSeenSoFar(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.expect("POST", "/payments/one/charge", charge("tok_down"), isUnavailable)
	w.expect("DELETE", "/faults?dependency=carrier", "", "204 ")
	w.expect("POST", "/payments/one/charge", charge("tok_down"), isUnavailable)
	w.expect("DELETE", "/faults?dependency=payment", "", "204 ")
	w.expect("POST", "/payments/one/charge", charge("tok_down"), isCaptured)
	w.expect("POST", "/payments/two/charge", charge("tok_down"), isUnavailable)
}

func TestTheLedgerAddsUpToWhatTheProviderHolds(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, key := range []string{"kept", "voided", "refunded"} {
		w.expect("POST", "/payments/"+key+"/charge", charge("tok_ok"), isCaptured)
		w.expect("POST", "/payments/"+key+"/charge", charge("tok_ok"), isCaptured)
	}
	w.expect("POST", "/payments/voided/void", theVoid, isVoided)
	w.expect("POST", "/payments/voided/void", theVoid, isVoided)
	w.expect("POST", "/payments/never/void", theVoid, isVoided)
	w.expect("POST", "/payments/refunded/refund", theRefund, isRefunded)
	w.expect("POST", "/payments/refunded/refund", theRefund, isRefunded)
	sums := map[string]int64{}
	for _, e := range w.ledger("payments", "?orderId=o-1") {
		sums[e.Outcome] += e.Amount
	}
	if held := sums["captured"] - sums["voided"] - sums["refunded"]; held != 1250 {
		t.Errorf("provider holds %d, want 1250 (by outcome: %v)", held, sums)
	}
}
