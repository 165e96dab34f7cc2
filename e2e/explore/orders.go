package explore

import (
	"fmt"
	"time"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
)

// What orders are about. Other things are ordered only in odd scopes.
const (
	sku      = "tea"
	other    = "cup"
	customer = "customer"
)

func address() *events.Address {
	return &events.Address{Name: "Ada", Line1: "1 Mill Lane", City: "Ely", Postcode: "CB7", Country: "GB"}
}

func orderID(n int8) string { return fmt.Sprintf("order-%d", n) }

// total is what an order costs, in minor units.
func (s Scope) total() int64 {
	if s.Odd {
		return 0
	}
	return 100
}

// each is how many pieces an order wants of each SKU that it names.
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
		OrderID: orderID(n), CustomerID: customer, Email: "customer@example.org", PaymentToken: "token", Currency: "USD",
		Lines: []events.OrderLine{{SKU: sku, Quantity: 1, UnitPrice: s.total()}}, Total: s.total(), ShippingAddress: address(), Deadline: time.Hour,
	}
	if s.Odd {
		c.Lines = []events.OrderLine{{SKU: sku, Quantity: 1}, {SKU: other, Quantity: 2}, {SKU: sku, Quantity: 1}}
		c.ShippingAddress = nil
	}
	return c
}

func (s Scope) placedEvent(n int8) events.OrderPlaced {
	c := s.placeOrder(n)
	return events.OrderPlaced{OrderID: c.OrderID, CustomerID: c.CustomerID, Email: c.Email, PaymentToken: c.PaymentToken, Total: c.Total, Lines: c.Lines, Currency: c.Currency, ShippingAddress: c.ShippingAddress}
}

// anotherPlacing is a second record of an order, by somebody who wants
// everything otherwise. Nobody may take it for the order.
func (s Scope) anotherPlacing(n int8) events.OrderPlaced {
	e := s.placedEvent(n)
	e.CustomerID, e.Email, e.PaymentToken, e.Currency, e.Total = "eve", "eve@example.com", "tok_eve", "EUR", e.Total+1
	e.ShippingAddress = &events.Address{Name: "Eve", Line1: "elsewhere", City: "Nowhere", Postcode: "0", Country: "XX"}
	e.Lines = []events.OrderLine{{SKU: e.Lines[0].SKU, Quantity: e.Lines[0].Quantity, UnitPrice: 1}}
	return e
}
