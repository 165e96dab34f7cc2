package order

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/text/currency"

	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas/events"
)

// placement is the body of POST /orders. Most of its rules stand in openapi.yaml; check
// has the rules that a schema cannot express.
type placement struct {
	CustomerID      string             `json:"customerId"`
	Email           string             `json:"email"`
	Currency        string             `json:"currency"`
	PaymentToken    string             `json:"paymentToken"`
	ShippingAddress events.Address     `json:"shippingAddress"`
	Lines           []events.OrderLine `json:"lines"`
}

const (
	defaultCurrency = "USD"
	maxTotal        = 1_000_000_000_000 // minor units
)

// check applies the rules that the schema cannot express. decoded is the error of
// decoding: a refusal lists every fault of the placement. check fills in the currency
// first: an order without a currency and one in USD are equal.
func (p *placement) check(decoded error) error {
	var faults []web.FieldError
	if p.Currency == "" {
		p.Currency = defaultCurrency
	}
	if _, err := currency.ParseISO(p.Currency); err != nil {
		faults = append(faults, web.FieldError{Field: "currency", Message: "is not a currency of ISO 4217"})
	}
	if _, ok := sum(p.Lines); !ok {
		faults = append(faults, web.FieldError{Field: "lines", Message: fmt.Sprintf("must not add up to more than %d", int64(maxTotal))})
	}
	return web.WithFaults(decoded, "The order is not one that can be placed.", faults...)
}

// command is the command that places the order under an id.
func (p *placement) command(id string, deadline time.Duration) PlaceOrder {
	total, _ := sum(p.Lines) // check has refused an order without one
	return PlaceOrder{
		OrderID: id, CustomerID: p.CustomerID, Email: p.Email, PaymentToken: p.PaymentToken, Currency: p.Currency,
		ShippingAddress: &p.ShippingAddress, Lines: p.Lines, Total: total, Deadline: deadline,
	}
}

// sum adds up the lines. It compares before it multiplies and adds, so no step
// can overflow, whatever bounds the schema has.
func sum(lines []events.OrderLine) (total int64, ok bool) {
	for _, l := range lines {
		n := int64(l.Quantity)
		if n < 1 || l.UnitPrice < 0 || l.UnitPrice > (maxTotal-total)/n {
			return 0, false
		}
		total += n * l.UnitPrice
	}
	return total, true
}

// digest is equal for requests of the same order, however they are spelled: it covers
// the decoded placement, not the text.
func (p *placement) digest() (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("digest order: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
