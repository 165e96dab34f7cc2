package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

// Seen is the state of a system as seen from outside: the state that its services show,
// the ledgers of the outside world, and the topics.
type Seen struct {
	Acknowledged  []string // orders whose placing was acknowledged
	Orders        map[string]Order
	Payments      map[string]Payment
	Shipments     map[string]Shipment
	Notifications map[string][]Notification
	Stock         []Stock

	Charges  []sandbox.Entry // the provider's ledger
	Bookings []sandbox.Entry // the carrier's
	Mails    []sandbox.Entry // the mail server's
	Mailbox  map[string]int  // copies of each mail in MailDev, by message id; nil in a system without MailDev

	Facts []Fact // of all topics, in order within each partition
}

// Look reads the whole state of a system. It is of use at rest only: a system that
// moves is read at several moments.
//
// before, unless it is nil, is an earlier state of the same system at rest. Look does
// not request an order's state again when no record about it was appended since. It
// also keeps the records that before has decoded. A foreign producer's record without a
// fingerprint has only its schema id. Once a registry has lost its state, such a record
// cannot be decoded again.
func Look(ctx context.Context, c *Client, t *Topics, acknowledged []string, before *Seen) (*Seen, error) {
	s := &Seen{Acknowledged: acknowledged, Orders: map[string]Order{}}
	orders, err := c.Orders(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		s.Orders[o.OrderID] = o
	}
	if s.Stock, err = c.Stock(ctx); err != nil {
		return nil, err
	}
	for _, l := range []struct {
		name string
		into *[]sandbox.Entry
	}{{"payments", &s.Charges}, {"shipments", &s.Bookings}, {"mails", &s.Mails}} {
		if *l.into, err = c.Ledger(ctx, l.name); err != nil {
			return nil, err
		}
	}
	if s.Mailbox, err = c.Mailbox(ctx); err != nil {
		return nil, err
	}
	if s.Facts, err = t.Read(ctx); err != nil {
		return nil, err
	}
	return s, s.lookAtEach(ctx, c, s.unchanged(before))
}

// unchanged are the orders without a new record on the topics. unchanged copies their
// state, and every decoded record, from before.
func (s *Seen) unchanged(before *Seen) map[string]bool {
	s.Payments, s.Shipments, s.Notifications = map[string]Payment{}, map[string]Shipment{}, map[string][]Notification{}
	same := map[string]bool{}
	if before == nil {
		return same
	}
	read := map[string]Fact{}
	for _, f := range before.Facts {
		read[f.Place()] = f
	}
	for i, f := range s.Facts {
		if known, ok := read[f.Place()]; ok {
			s.Facts[i] = known
		}
	}
	records, then := s.records(), before.records()
	for order, o := range before.Orders {
		if records[order] == then[order] && s.Orders[order].Status == o.Status {
			same[order] = true
			s.Orders[order], s.Payments[order], s.Shipments[order], s.Notifications[order] = o, before.Payments[order], before.Shipments[order], before.Notifications[order]
		}
	}
	return same
}

// records are the numbers of records, by order.
func (s *Seen) records() map[string]int {
	n := map[string]int{}
	for _, f := range s.Facts {
		n[f.Key]++
	}
	return n
}

// concurrently is how many orders are requested at a time.
const concurrently = 64

// lookAtEach requests the state of every order from every service, except the orders in
// but.
func (s *Seen) lookAtEach(ctx context.Context, c *Client, but map[string]bool) error {
	orders := make(chan string)
	var mu sync.Mutex
	var failed error
	var asking sync.WaitGroup
	for range concurrently {
		asking.Go(func() {
			for order := range orders {
				var o Order
				err := c.getIfAny(ctx, c.Order+"/orders/"+url.PathEscape(order), &o)
				p, err1 := c.PaymentOf(ctx, order)
				h, err2 := c.ShipmentOf(ctx, order)
				n, err3 := c.NotificationsOf(ctx, order)
				mu.Lock()
				s.Payments[order], s.Shipments[order], s.Notifications[order] = p, h, n
				if o.OrderID != "" {
					s.Orders[order] = o // with its progress
				}
				failed = errors.Join(failed, err, err1, err2, err3)
				mu.Unlock()
			}
		})
	}
	for _, order := range s.orders() {
		if !but[order] {
			orders <- order
		}
	}
	close(orders)
	asking.Wait()
	return failed
}

// orders are the sorted ids of all orders. They come from the order service, the topics,
// and the ledgers of provider and carrier.
func (s *Seen) orders() []string {
	ids := map[string]bool{}
	for id := range s.Orders {
		ids[id] = true
	}
	for _, f := range s.Facts {
		if f.Dead == nil {
			ids[f.Key] = true
		}
	}
	for _, e := range slices.Concat(s.Charges, s.Bookings) {
		if e.OrderID != "" {
			ids[e.OrderID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// Violations lists every violated invariant of a system at rest; empty when there is
// none.
func (s *Seen) Violations() []string {
	var v violations
	s.checkOrders(&v)
	s.checkProgress(&v)
	s.checkMoney(&v)
	s.checkShipments(&v)
	s.checkStock(&v)
	s.checkMails(&v)
	s.checkRecords(&v)
	s.checkCauses(&v)
	s.checkHistories(&v)
	return v
}

type violations []string

func (v *violations) add(format string, args ...any) { *v = append(*v, fmt.Sprintf(format, args...)) }

// ErrViolated is returned when an invariant of the protocol does not hold.
var ErrViolated = errors.New("invariants are violated")

// Err is nil without a violation, and otherwise an [ErrViolated] with every violation.
func (s *Seen) Err() error {
	if v := s.Violations(); len(v) > 0 {
		return fmt.Errorf("%w:\n  - %s", ErrViolated, strings.Join(v, "\n  - "))
	}
	return nil
}
