package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/e2e"
)

const (
	// Connections is how many requests may be in flight. An order waits for a free
	// connection, and its latency includes the wait.
	Connections = 128
	// Outstanding is how many orders may be open when a system is saturated.
	//
	// Finding the highest rate by trial would take many windows, and the backlog of
	// one would spoil the next. Under a bound each arm reaches its rate in one window.
	// Ours is faster with larger batches. At this bound an order ends after some two
	// seconds: more open orders would be a backlog.
	Outstanding = 1500
	shelves     = 20
)

// load is the rate, number and duration of the orders.
type load struct {
	rate        float64 // a second, even if none ends; 0: as fast as they end
	orders      int     // at most; 0: any number
	warm, lasts time.Duration
}

// buyer places orders.
type buyer struct {
	client *e2e.Client
	book   *book
	run    string
	arm    Arm
	poison *poisoner // nil: none
}

func newBuyer(c *e2e.Client, b *book, s *System) *buyer {
	return &buyer{client: c, book: b, run: uuid.NewString()[:8], arm: s.arm, poison: s.poison}
}

func sku(n int) string { return "bench-" + strconv.Itoa(n%shelves) }

// stock fills the shelves so that they are never empty.
func stock(ctx context.Context, c *e2e.Client) error {
	for n := range shelves {
		if err := c.Receive(ctx, sku(n), 1_000_000_000, "delivery-"+sku(n)); err != nil {
			return err
		}
	}
	return nil
}

// place places the order with that number.
func (b *buyer) place(ctx context.Context, n int, intended time.Time) {
	name := b.run + "-" + strconv.Itoa(n)
	if ofHundred(n, b.arm.poison) {
		if err := b.poison.put(name); err != nil {
			b.book.refuse(err)
			return
		}
	}
	order, err := b.ask(ctx, name, e2e.Placement{
		CustomerID: "c-" + name, Email: "ada-" + name + "@example.com", Currency: "EUR", PaymentToken: "tok_ok",
		ShippingAddress: e2e.Address{Name: "Ada Lovelace", Line1: "12 St James's Square", City: "London", Postcode: "SW1Y 4JH", Country: "GB"},
		Lines:           b.arm.cart(n),
	})
	if err != nil {
		b.book.refuse(err)
		return
	}
	b.book.accept(order, intended)
	if b.arm.Proof == OfAnswers {
		b.book.complete(order, time.Now())
	}
}

// askBound is how long a request that is answered with 503 is repeated.
const askBound = 30 * time.Second

// ask requests an order under a key. It repeats a request that is answered with 503, since
// it may have been handled. A peer stores no answers: there a repeat would be a second
// order, so ask does not repeat it.
func (b *buyer) ask(ctx context.Context, key string, p e2e.Placement) (order string, err error) {
	for end := time.Now().Add(askBound); ; {
		order, err = b.client.Place(ctx, p, key)
		arm, _, _ := strings.Cut(b.arm.Name, " ")
		var refusal *e2e.Refusal
		if !errors.As(err, &refusal) || refusal.Status != http.StatusServiceUnavailable || arm != gated || time.Now().After(end) {
			return order, err
		}
		if err := until(ctx, time.Now().Add(time.Second)); err != nil { // as Retry-After says
			return "", err
		}
	}
}

// drive places orders from begin on, for as long as the load lasts. It returns when
// each has its answer.
func (b *buyer) drive(ctx context.Context, l load, begin time.Time) error {
	type intent struct {
		n  int
		at time.Time
	}
	end := begin.Add(l.warm + l.lasts)
	// The pace never waits for a connection: there is room for every order.
	intents := make(chan intent, int(l.rate*(l.warm+l.lasts).Seconds())+1)
	var asking sync.WaitGroup
	for range Connections {
		asking.Go(func() {
			for i := range intents {
				b.place(ctx, i.n, i.at)
			}
		})
	}
	defer asking.Wait()
	defer close(intents)
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	for n := 0; l.orders == 0 || n < l.orders; n++ {
		var at time.Time
		if l.rate > 0 {
			at = begin.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
			if !at.Before(end) {
				return nil
			}
			if err := until(ctx, at); err != nil {
				return err
			}
		} else {
			select {
			case <-b.book.free:
				at = time.Now()
			case <-timer.C:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		select {
		case intents <- intent{n, at}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// ofHundred reports whether an order is one of many in a hundred, spread evenly.
func ofHundred(n, many int) bool { return n*37%100 < many }

// cart is the lines of the order with that number, at most one line for each article.
func (v variant) cart(n int) []e2e.Line {
	const stride = 7 // has no divisor in common with the number of articles
	first := n % shelves
	if ofHundred(n, v.hot) {
		first = 0
	}
	lines := []e2e.Line{{SKU: sku(first), Quantity: 2, UnitPrice: 1250}}
	for i := 1; i < v.lines; i++ {
		lines = append(lines, e2e.Line{SKU: sku(first + i*stride), Quantity: 1, UnitPrice: 4900})
	}
	return lines
}

// until waits for a moment.
func until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", context.Cause(ctx))
	}
}
