package order

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/schemas/events"
)

// stream is a client of server-sent events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

func (d *desk) follow(id, after string) *stream {
	d.t.Helper()
	req := d.request("GET", "/orders/"+id+"/events", "")
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { resp.Body.Close() })
	if err := d.check(req, resp, nil); err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %v", resp.Status, err)
	}
	return &stream{t: d.t, lines: bufio.NewScanner(resp.Body), close: func() { resp.Body.Close() }}
}

// next is the next event as "id Event reason", or "end".
func (s *stream) next() string {
	s.t.Helper()
	id := ""
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			step := read[Step](s.t, value)
			return strings.TrimSpace(id + " " + step.Event + " " + string(step.Why))
		}
	}
	if err := s.lines.Err(); err != nil {
		s.t.Error(err)
	}
	return "end"
}

func TestProgressIsStreamedAsItHappens(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	s := d.follow(id, "")
	got := []string{s.next()}
	d.deliver(events.StockReserved{OrderID: id})
	got = append(got, s.next())
	d.deliver(events.PaymentFailed{OrderID: id, PaymentID: "p", Reason: events.ReasonDeclined})
	got = append(got, s.next())
	d.deliver(events.StockReleased{OrderID: id, Reason: events.ReasonDeclined})
	got = append(got, s.next(), s.next(), s.next())
	want := []string{"1 OrderPlaced", "2 StockReserved", "3 PaymentFailed declined", "4 StockReleased declined", "5 OrderCancelled declined", "end"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
}

func TestAStreamGoesOnWhereItBroke(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	s := d.follow(id, "")
	s.next()
	s.close()
	d.deliver(events.StockReserved{OrderID: id})
	d.deliver(events.ShipmentCreated{OrderID: id, ShipmentID: "s", TrackingNumber: "T"})
	d.ended(id)
	d.deliver(events.PaymentProcessed{OrderID: id, PaymentID: "p", Amount: 1000, Currency: "EUR"}) // late, so not streamed
	eventually(t, "the late step is known", func() bool {
		o, err := orders.Find(t.Context(), d.db.Read(), `id = ?`, id)
		return err == nil && len(o.Progress) == 5
	})
	s = d.follow(id, "1")
	if diff := cmp.Diff([]string{"2 StockReserved", "3 ShipmentCreated", "4 OrderCompleted", "end"}, []string{s.next(), s.next(), s.next(), s.next()}); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	for _, last := range []string{"4", "5"} {
		if status, _, text := d.call("GET", "/orders/"+id+"/events", "", "Last-Event-ID", last); status != http.StatusNoContent {
			t.Errorf("after event %s, when all was seen: %d %s", last, status, text)
		}
	}
}
