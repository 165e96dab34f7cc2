package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
)

// printed is a fixed flow with every element of a print: a compensation, a copy, a dead
// letter, and an unreadable record. Payment's clock is late by so many milliseconds.
func printed(late float64) []Fact {
	at := func(ms float64) time.Time { return start.Add(time.Duration(ms * float64(time.Millisecond))) }
	event := func(name string, n int64, after string, happened, appended float64, fields map[string]any) Fact {
		f := fact("o-1", "quintet."+name, n, after, fields)
		f.Time, f.Appended = at(happened), at(appended)
		return f
	}
	first := event("order.OrderPlaced", 1, "", 0, 1, map[string]any{
		"customerId": "c-1", "email": hidden, "paymentToken": hidden, "total": json.Number("2500"), "currency": "EUR",
		"shippingAddress": map[string]any{"name": hidden, "line2": nil, "country": hidden},
		"lines":           []any{map[string]any{"sku": "mug", "quantity": json.Number("2"), "unitPrice": json.Number("1250")}},
	})
	first.SchemaVersion = 2
	reserved := event("inventory.StockReserved", 1, first.ID, 4.5, 6, nil)
	paid := event("payment.PaymentProcessed", 1, reserved.ID, 26.3, 27, map[string]any{"paymentId": "p", "amount": json.Number("2500"), "currency": "EUR"})
	refused := event("shipping.ShipmentFailed", 1, paid.ID, 31, 32, map[string]any{"shipmentId": "s", "reason": "carrier_refused"})
	refunded := event("payment.PaymentRefunded", 2, refused.ID, 33.8-late, 35, map[string]any{"amount": json.Number("2500"), "reason": "carrier_refused"})
	again := refunded
	again.Offset, again.Appended = copied, at(36)
	released := event("inventory.StockReleased", 2, refunded.ID, 38, 39, map[string]any{"reason": "carrier_refused"})
	cancelled := event("order.OrderCancelled", 2, released.ID, 41, 42, map[string]any{"reason": "carrier_refused"})
	asked := event("order.CancellationRequested", 3, "", 50, 51, nil)
	asked.Fields, asked.Unreadable = nil, "schema registry unavailable"
	dead := cancelled
	dead.Topic, dead.Appended, dead.Dead = "email.dead-letter", at(60), &DeadLetter{Service: "email", Input: "event quintet.order.OrderCancelled", Cause: "reaction panicked", Attempts: "5"}
	orphan := event("email.NotificationSent", 1, "e-77", 70, 71, map[string]any{"kind": "order_placed"})
	return []Fact{dead, asked, orphan, again, refunded, released, cancelled, refused, paid, reserved, first}
}

// copied is the offset of the copy.
const copied = 9

func TestAFlowIsPrintedInTheOrderOfItsCauses(t *testing.T) {
	want, err := os.ReadFile("testdata/flow.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := Print(&got, printed(2)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, got.String())
	}
	for line := range strings.Lines(got.String()) {
		if n := len(strings.TrimRight(line, "\n")); n > 100 {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
}

func TestLivePrintHoldsEventUntilItsCauseArrives(t *testing.T) {
	var got strings.Builder
	live := NewLive(&got, "o-1")
	placed, reserved := fact("o-1", "quintet.order.OrderPlaced", 1, "", nil), fact("o-1", "quintet.inventory.StockReserved", 1, "o-1 quintet.order.OrderPlaced", nil)
	live.Add(reserved)
	if strings.Contains(got.String(), "StockReserved") {
		t.Errorf("printed before its cause:\n%s", got.String())
	}
	live.Add(placed)
	p, r := strings.Index(got.String(), "OrderPlaced"), strings.Index(got.String(), "StockReserved")
	if p < 0 || r < p {
		t.Errorf("not in the order of causes:\n%s", got.String())
	}
}

func TestPersonalAndPaymentDataIsMasked(t *testing.T) {
	fields, err := readFields([]byte(`{"orderId":"o-1","email":"ada@example.com","paymentToken":"tok_ok","total":12345678901234567,
		"shippingAddress":{"name":"Ada","line1":"1 Main Street","line2":null,"city":"Turin","postcode":"10121","country":"IT"}}`))
	if err != nil {
		t.Fatal(err)
	}
	hide("quintet.order.OrderPlaced", fields)
	want := map[string]any{
		"orderId": "o-1", "email": hidden, "paymentToken": hidden, "total": json.Number("12345678901234567"),
		"shippingAddress": map[string]any{"name": hidden, "line1": hidden, "line2": nil, "city": hidden, "postcode": hidden, "country": hidden},
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	hide("quintet.order.OrderPlaced", map[string]any{"shippingAddress": nil}) // as version 1 has none
}

func TestTheIdOfARecordWithoutHeadersIsItsPlace(t *testing.T) {
	f, schema := newFact(&sarama.ConsumerMessage{Topic: "order.events", Partition: 3, Offset: 17, Key: []byte("o-1"), Timestamp: start})
	if f.ID != "order.events/3/17" || f.Sequence != 0 || f.Key != "o-1" || schema != "" || !f.happened().Equal(start) {
		t.Errorf("got %+v", f)
	}
}

// The lines of the flow in the README are lines of a printed flow, in their order.
func TestTheReadmeShowsAPrintedFlow(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, some := strings.Cut(string(text), "```text\n")
	shown, _, ends := strings.Cut(rest, "```")
	if !some || !ends || strings.Count(shown, "\n") < 5 {
		t.Fatalf("README.md shows no flow: %q", shown)
	}
	var got strings.Builder
	once := slices.DeleteFunc(printed(0), func(f Fact) bool { return f.Offset == copied })
	if err := Print(&got, once); err != nil {
		t.Fatal(err)
	}
	left := got.String()
	for line := range strings.Lines(shown) {
		_, after, is := strings.Cut(left, line)
		if !is {
			t.Errorf("a flow has no line %q there", line)
		}
		left = after
	}
}
