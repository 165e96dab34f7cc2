package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// The magic countries. Parcels go to any other.
const (
	countryRefused = "XX"
	countrySilent  = "XT" // booked, but the call that books is never answered
)

// shipments is the carrier; it gives the same guarantees as payments.
type shipments struct {
	ledger *ledger

	mu    sync.Mutex
	byKey map[string]shipment
}

// shipment is the state of one key at the carrier, folded from the ledger.
type shipment struct {
	orderID  string
	address  *Address // address and lines are those of the first book
	lines    []Line
	status   string // "" (not decided), booked, refused, unbooked or collected
	tracking string // "" when never booked
}

// Address is the destination of a parcel.
type Address struct {
	Name     string `json:"name"`
	Line1    string `json:"line1"`
	Line2    string `json:"line2,omitempty"`
	City     string `json:"city"`
	Postcode string `json:"postcode"`
	Country  string `json:"country"`
}

// Line is one article of a parcel.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

type bookRequest struct {
	OrderID string   `json:"orderId"`
	Address *Address `json:"address"` // nil: the customer collects it at the depot
	Lines   []Line   `json:"lines"`
}

func (r bookRequest) check() (bad []badField) {
	bad = required(bad, "orderId", r.OrderID)
	if r.Address != nil {
		bad = required(bad, "address.country", r.Address.Country)
	}
	if len(r.Lines) == 0 {
		bad = append(bad, badField{"lines", "must not be empty"})
	}
	for i, line := range r.Lines {
		bad = required(bad, fmt.Sprintf("lines[%d].sku", i), line.SKU)
		if line.Quantity <= 0 {
			bad = append(bad, badField{fmt.Sprintf("lines[%d].quantity", i), "must be above zero"})
		}
	}
	return bad
}

func (r bookRequest) goesTo(country string) bool {
	return r.Address != nil && r.Address.Country == country
}

// same reports whether r equals the first book request of this key.
func (r bookRequest) same(s shipment) bool {
	there := (r.Address == nil) == (s.address == nil) && (r.Address == nil || *r.Address == *s.address)
	return r.OrderID == s.orderID && there && slices.Equal(r.Lines, s.lines)
}

type unbookRequest struct {
	OrderID string `json:"orderId"`
}

func (r unbookRequest) check() []badField { return required(nil, "orderId", r.OrderID) }

// book books a parcel once per key, unless the key was unbooked before.
func (s *shipments) book(ctx context.Context, key string, r bookRequest, lost bool) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.byKey[key]
	// The tombstone of an unbook that came first holds the order only.
	if known.orderID != "" && known.orderID != r.OrderID || known.lines != nil && !r.same(known) {
		return answer{}, keyReused(key, "orderId, address and lines")
	}
	e := Entry{Op: "book", Key: key, OrderID: r.OrderID, Address: r.Address, Lines: r.Lines, Delivery: "address"}
	if r.Address == nil {
		e.Delivery = "depot"
	}
	a := answer{code: http.StatusOK, Status: booked, TrackingNumber: known.tracking}
	switch {
	case known.status == unbooked:
		e.Outcome, a = rejected, answer{code: http.StatusConflict, Status: unbooked}
	case known.status == booked, known.status == collected:
		e.Outcome = repeat
	case known.status == refused:
		e.Outcome, a = repeat, answer{code: http.StatusUnprocessableEntity, Status: refused}
	case r.goesTo(countryRefused):
		e.Outcome, a = refused, answer{code: http.StatusUnprocessableEntity, Status: refused}
	default:
		a.TrackingNumber, a.lost = trackingNumber(key), r.goesTo(countrySilent)
		e.Outcome, e.TrackingNumber = booked, a.TrackingNumber
	}
	return a, s.record(ctx, e, a.lost || lost)
}

// unbook undoes a booking, if there was one, and leaves a tombstone either way. If the
// parcel is already on its way, unbook changes nothing and answers "collected".
func (s *shipments) unbook(ctx context.Context, key string, r unbookRequest, lost bool) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.byKey[key]
	if known.orderID != "" && known.orderID != r.OrderID {
		return answer{}, keyReused(key, "orderId")
	}
	e := Entry{Op: "unbook", Key: key, OrderID: r.OrderID, Outcome: unbooked}
	a := answer{code: http.StatusOK, Status: unbooked}
	switch known.status {
	case unbooked:
		e.Outcome = repeat
	case collected:
		e.Outcome, a.Status, a.TrackingNumber = rejected, collected, known.tracking
	}
	return a, s.record(ctx, e, lost)
}

// collect is the van: it collects a booked parcel, and the parcel cannot be unbooked
// after that.
func (s *shipments) collect(key string) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.byKey[key]
	a := answer{code: http.StatusOK, Status: collected, TrackingNumber: known.tracking}
	switch known.status {
	case "":
		return answer{}, notFound("shipment", key)
	case collected:
		return a, nil
	case refused, unbooked:
		return answer{code: http.StatusConflict, Status: known.status}, nil
	}
	e := Entry{Op: "collect", Key: key, OrderID: known.orderID, TrackingNumber: known.tracking, Outcome: collected}
	return a, s.record(context.Background(), e, false)
}

// query returns the state of the shipment; it leaves no trace in the ledger.
func (s *shipments) query(key string) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.byKey[key]
	if known.status == "" {
		return answer{}, notFound("shipment", key)
	}
	return answer{code: http.StatusOK, Status: known.status, TrackingNumber: known.tracking}, nil
}

// record writes e and then folds it. Its caller holds the lock.
func (s *shipments) record(ctx context.Context, e Entry, lost bool) error {
	e.Answered = !lost && ctx.Err() == nil
	if err := s.ledger.append(e); err != nil {
		return err
	}
	s.fold(e)
	return nil
}

func (s *shipments) fold(e Entry) {
	known := s.byKey[e.Key]
	known.orderID = e.OrderID
	if e.Op == "book" {
		known.address, known.lines = e.Address, e.Lines
	}
	switch e.Outcome {
	case booked:
		known.status, known.tracking = booked, e.TrackingNumber
	case refused, unbooked, collected:
		known.status = e.Outcome
	}
	s.byKey[e.Key] = known
}

// trackingNumber derives the number from the key, so that a test can foretell it.
func trackingNumber(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("QT%012d", binary.BigEndian.Uint64(sum[:8])%1_000_000_000_000)
}
