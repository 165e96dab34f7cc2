package explore

import (
	"fmt"
	"slices"
	"strings"
)

// Scope bounds an exploration: the number of orders, and the things that may happen to
// them.
type Scope struct {
	Name   string
	Orders int
	// Stock is the number of pieces on hand at the start. Each order wants one.
	Stock int64
	May   Choice
	// Foreign orders are placed by a producer that the order service does not
	// know.
	Foreign bool
	// Odd orders are free, have no address, and want two pieces of each of two SKUs, in
	// three lines. Both SKUs start with the same number of pieces.
	Odd bool
	// Whole explores on after a violation, so that every property gets its
	// verdict.
	Whole bool
	// Composed explores one order against every answer of the stock, and puts
	// two of these together. See the package's documentation.
	Composed bool

	open  bool // the stock is the environment's
	exact bool // only equal values count as the same
}

// Choice is a set of things that may happen. In a scope nothing outside its set
// happens.
type Choice uint32

// The things that may happen.
const (
	Cancels    Choice = 1 << iota // the customer cancels, at any moment
	Deadlines                     // the order's time runs out, at any moment while it is running
	Declines                      // the card is declined
	Refuses                       // the carrier refuses
	GivesUp                       // the attempts of a call are spent
	Unanswered                    // an attempt stays unanswered; it arrives later, or never
	Collects                      // the van was there before the unbooking
	Mails                         // mail is sent at all
	MailFails                     // a mail bounces, is given up, or is not answered
	Delivery                      // a piece is delivered to the shelf, at any moment
	Crashes                       // a process ends around any commit and attempt, and starts again
	Duplicates                    // a record that was taken is delivered again
	Twice                         // the order is published a second time, under another id
)

// The usual sets of choices.
const (
	Ordinary   = Cancels | Deadlines | Declines | Refuses | GivesUp | Unanswered | Collects | Mails | MailFails
	Everything = Ordinary | Delivery | Crashes | Duplicates | Twice
)

func (c Choice) has(one Choice) bool { return c&one != 0 }

// Quick are scopes that end within seconds.
func Quick() []Scope {
	return []Scope{
		{Name: "quick-one-order", Orders: 1, Whole: true, May: Everything &^ (Twice | Mails | MailFails)},
		{Name: "quick-foreign-order", Orders: 1, Foreign: true, Whole: true, May: Everything &^ (Mails | MailFails)},
		{Name: "quick-mails", Orders: 1, Stock: 1, Whole: true, May: Mails | MailFails | Crashes | Duplicates | Cancels | Declines | Refuses},
		{Name: "quick-two-orders", Orders: 2, Stock: 1, Composed: true, Whole: true, May: Ordinary &^ (Mails | MailFails)},
		{Name: "quick-two-orders-two-pieces", Orders: 2, Stock: 2, Composed: true, Whole: true, May: Cancels | Declines | Refuses},
		{Name: "quick-delivery", Orders: 1, Stock: 1, Whole: true, May: Delivery | Cancels | Declines | Refuses},
		{Name: "quick-odd-order", Orders: 1, Stock: 2, Odd: true, Whole: true, May: (Ordinary | Delivery) &^ (Mails | MailFails)},
		{Name: "quick-odd-order-half-in-stock", Orders: 1, Stock: 1, Odd: true, Whole: true, May: Cancels | Deadlines | Delivery | Mails},
	}
}

// Full are the scopes for which the claims are made.
func Full() []Scope {
	return []Scope{
		{Name: "one-order", Orders: 1, Whole: true, May: Everything &^ Twice},
		{Name: "one-order-published-twice", Orders: 1, Whole: true, May: Everything &^ (Mails | MailFails)},
		{Name: "one-order-published-twice-with-mails", Orders: 1, Stock: 1, Whole: true, May: Cancels | Deadlines | Declines | Mails | MailFails | Twice},
		{Name: "foreign-order", Orders: 1, Foreign: true, Whole: true, May: Everything &^ Twice},
		{Name: "foreign-order-published-twice", Orders: 1, Foreign: true, Whole: true, May: Everything &^ (Mails | MailFails)},
		{Name: "odd-order", Orders: 1, Stock: 2, Odd: true, Whole: true, May: Everything &^ (Twice | Mails | MailFails)},
		{Name: "odd-order-half-in-stock", Orders: 1, Stock: 1, Odd: true, Whole: true, May: Everything &^ (Mails | MailFails)},
		{Name: "odd-foreign-order", Orders: 1, Stock: 2, Odd: true, Foreign: true, Whole: true, May: Ordinary},
		{Name: "two-orders", Orders: 2, Stock: 1, Composed: true, Whole: true, May: Ordinary},
		{Name: "two-orders-two-pieces", Orders: 2, Stock: 2, Composed: true, Whole: true, May: Ordinary},
		{Name: "two-orders-and-crashes", Orders: 2, Stock: 1, Composed: true, Whole: true, May: Ordinary | Crashes | Duplicates},
	}
}

// Find returns the scope of a name.
func Find(name string) (Scope, error) {
	var names []string
	for _, s := range slices.Concat(Full(), Quick(), Small()) {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scope{}, fmt.Errorf("no scope is called %q; there are %s", name, strings.Join(names, ", "))
}
