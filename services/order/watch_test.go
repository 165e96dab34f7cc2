package order

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/schemas/events"
)

func (w *watchers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, listeners := range w.waiting {
		n += len(listeners)
	}
	return n
}

func TestAChangeBetweenReadingAndWaitingIsNotLost(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	a := &api{db: d.db, submit: d.engine.Submit, watchers: d.watchers}
	// Shorter than the reading again: only a word from the engine can help.
	short, cancel := context.WithTimeout(t.Context(), readAgain*3/4)
	defer cancel()
	reads := 0
	o, err := a.until(t.Context(), short, id, func(o Order) bool {
		if reads++; reads == 1 { // has read, does not wait yet
			d.deliver(events.StockRejected{OrderID: id, Reason: events.ReasonOutOfStock})
			eventually(t, "the end is committed", func() bool {
				o, err := find(t.Context(), d.db.Read(), id)
				return err == nil && o.Status.Terminal()
			})
		}
		return o.Status.Terminal()
	})
	if err != nil || o.Status != Cancelled {
		t.Errorf("%q after %d readings: %v", o.Status, reads, err)
	}
}

func TestACommitOfAnotherInstanceIsSeen(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	done := make(chan string, 1)
	go func() {
		_, _, text, err := d.try("GET", "/orders/"+id+"?wait=20s", "")
		if err != nil {
			text = err.Error()
		}
		done <- text
	}()
	eventually(t, "the request waits", func() bool { return d.watchers.count() == 1 })
	o := pendingOrder(id)
	o.Status = Completed
	save(t, d.db, o) // nobody is told
	if got := read[details](t, <-done); got.Status != Completed {
		t.Errorf("%+v", got)
	}
}

func TestWaitingAnswersWhenTimeIsUp(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	began := time.Now()
	status, _, text := d.call("GET", "/orders/"+id+"?wait=50ms", "")
	if took := time.Since(began); status != http.StatusOK || read[details](t, text).Status != Pending || took < 50*time.Millisecond {
		t.Errorf("%d after %s: %s", status, took, text)
	}
}

func TestWaitingIsNotCutOffByTheServersOwnLimit(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	srv := httptest.NewUnstartedServer(d.echo)
	srv.Config.WriteTimeout = 50 * time.Millisecond // of the real one the longest wait uses up all
	srv.Start()
	defer srv.Close()
	d.url = srv.URL
	status, _, text := d.call("GET", "/orders/"+id+"?wait=200ms", "")
	if status != http.StatusOK || read[details](t, text).Status != Pending {
		t.Errorf("%d %s", status, text)
	}
}

func TestWaitingEndsWhenTheServerStops(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	answer := make(chan string, 1)
	go func() {
		_, _, text, err := d.try("GET", "/orders/"+id+"?wait=30s", "")
		if err != nil {
			text = err.Error()
		}
		answer <- text
	}()
	eventually(t, "the request waits", func() bool { return d.watchers.count() == 1 })
	began := time.Now()
	d.stopHTTP()
	if o := read[details](t, <-answer); o.Status != Pending || time.Since(began) > 4*time.Second {
		t.Errorf("%+v after %s", o, time.Since(began))
	}
}

func TestAClientThatLeavesIsForgotten(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	for _, path := range []string{"?wait=30s", "/events"} {
		ctx, leave := context.WithCancel(t.Context())
		req := d.request("GET", "/orders/"+id+path, "").WithContext(ctx)
		left := make(chan struct{})
		go func() {
			defer close(left)
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body) // ends when the client leaves
				resp.Body.Close()
			}
		}()
		eventually(t, "the request waits", func() bool { return d.watchers.count() == 1 })
		leave()
		<-left
		eventually(t, "nobody waits", func() bool { return d.watchers.count() == 0 })
	}
	d.watchers.mu.Lock()
	defer d.watchers.mu.Unlock()
	if len(d.watchers.waiting) != 0 {
		t.Error("orders that nobody waits for are kept")
	}
}

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
		o, err := find(t.Context(), d.db.Read(), id)
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

func TestAStreamEndsQuietlyWhenTheServerStops(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	s := d.follow(id, "")
	s.next()
	eventually(t, "the stream waits", func() bool { return d.watchers.count() == 1 })
	d.stopHTTP()
	comments := 0
	for s.lines.Scan() {
		if strings.HasPrefix(s.lines.Text(), ":") {
			comments++
		}
	}
	if err := s.lines.Err(); err != nil || comments > 1 {
		t.Errorf("%d comments: %v", comments, err)
	}
}
