package explore

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
)

// The contents of orders. Only odd scopes order the other SKU.
const (
	sku      = "tea"
	other    = "cup"
	customer = "customer"
)

func address() *events.Address {
	upstairs := "first floor"
	return &events.Address{Name: "Ada", Line1: "1 Mill Lane", Line2: &upstairs, City: "Ely", Postcode: "CB7", Country: "GB"}
}

func orderID(n int8) string { return fmt.Sprintf("order-%d", n) }

// total is the price of an order, in minor units.
func (s Scope) total() int64 {
	switch {
	case s.Odd && s.Foreign:
		return 1<<32 + 12_347
	case s.Odd:
		return 0
	}
	return 100
}

// each is the number of pieces that an order wants of each SKU that it names.
func (s Scope) each() int64 {
	if s.Odd {
		return 2
	}
	return 1
}

// shelf is the stock at the start.
func (s Scope) shelf() levels {
	stock := levels{}
	if s.Stock > 0 {
		stock[sku] = inventory.Level{OnHand: s.Stock, Received: s.Stock}
	}
	if s.Odd && s.Stock > 0 {
		stock[other] = stock[sku]
	}
	return stock
}

func (s Scope) placeOrder(n int8) order.PlaceOrder {
	c := order.PlaceOrder{
		OrderID: orderID(n), CustomerID: customer, Email: "customer@example.org", PaymentToken: "token", Currency: "EUR",
		Lines: []events.OrderLine{{SKU: sku, Quantity: 1, UnitPrice: s.total()}}, Total: s.total(), ShippingAddress: address(), Deadline: 47 * time.Minute,
	}
	if s.Odd {
		c.Lines = []events.OrderLine{{SKU: sku, Quantity: 1}, {SKU: other, Quantity: 2}, {SKU: sku, Quantity: 1}}
		c.ShippingAddress = nil
		if s.Foreign {
			c.Email = ""
		}
	}
	return c
}

func (s Scope) placedEvent(n int8) events.OrderPlaced {
	c := s.placeOrder(n)
	return events.OrderPlaced{OrderID: c.OrderID, CustomerID: c.CustomerID, Email: c.Email, PaymentToken: c.PaymentToken, Total: c.Total, Lines: c.Lines, Currency: c.Currency, ShippingAddress: c.ShippingAddress}
}

// anotherPlacing is a second record of an order, by a producer that wants everything
// otherwise. No service may take it for the order.
func (s Scope) anotherPlacing(n int8) events.OrderPlaced {
	e := s.placedEvent(n)
	e.CustomerID, e.Email, e.PaymentToken, e.Currency, e.Total = "eve", "eve@example.com", "tok_eve", "JPY", e.Total+1
	e.ShippingAddress = &events.Address{Name: "Eve", Line1: "elsewhere", City: "Nowhere", Postcode: "0", Country: "XX"}
	e.Lines = []events.OrderLine{{SKU: e.Lines[0].SKU, Quantity: e.Lines[0].Quantity, UnitPrice: 1}}
	return e
}

// brought is the number of pieces in a delivery.
const brought = 3

// received is the stock after a delivery. The stock also carries the report of a wrong
// delivery, as no other state exists to carry it.
func (m *model) received(before levels) levels {
	receive := func(sku string, quantity int64) reacted {
		return m.machines[ofInventory].react(0, maps.Clone(before), input{id: "request/delivery", body: inventory.ReceiveStock{SKU: sku, Quantity: quantity}})
	}
	for _, name := range []string{other, sku} {
		r, due := receive(name, brought), before[name]
		due.OnHand += brought
		due.Received += brought
		if said := (inventory.Stock{SKU: name, Level: due}); r.err != nil || r.stock[name] != due || r.out.Reply != said || len(r.stock) > len(before)+1 {
			return levels{fmt.Sprintf("a delivery of %d %s is answered with %s (%v), and %s is there", brought, name, text(r.out.Reply), r.err, levelText(r.stock)): inventory.Level{Received: -1}}
		}
	}
	if r := receive(sku, math.MaxInt64); before[sku].Received > 0 && !errors.Is(r.err, inventory.ErrTooMuchStock) {
		return levels{fmt.Sprintf("more is received than can be counted (%v)", r.err): inventory.Level{Received: -1}}
	}
	return receive(sku, brought).stock
}

func noticeNames(b email.Mailbox) []string {
	var names []string
	for _, n := range b.Notices {
		names = append(names, n.ID)
	}
	return names
}
