package explore

import (
	"fmt"
	"strings"
)

// happening is something that may happen, in words.
type happening struct {
	choice Choice
	words  string
}

func happenings() []happening {
	return []happening{
		{Cancels, "the customer cancels"},
		{Deadlines, "the time runs out"},
		{Declines, "the card is declined"},
		{Refuses, "the carrier refuses"},
		{GivesUp, "attempts are spent"},
		{Unanswered, "an attempt stays unanswered"},
		{Collects, "the van was there before the unbooking"},
		{Mails, "mail is sent"},
		{MailFails, "mail fails"},
		{Delivery, "a piece is delivered"},
		{Crashes, "a process crashes"},
		{Duplicates, "records are delivered again"},
		{Twice, "the order is published a second time"},
	}
}

// has describes the orders and the stock of a scope.
func (s Scope) has() string {
	orders := []string{"one order", "two orders"}[s.Orders-1]
	if s.Foreign {
		orders += " of a foreign producer"
	}
	if s.Odd {
		return fmt.Sprintf("%s, odd, %d on hand of each of two SKUs", orders, s.Stock)
	}
	return fmt.Sprintf("%s, %d on hand", orders, s.Stock)
}

// allows describes a scope: its orders, its stock, and the things that may happen.
func (s Scope) allows() string {
	may := []string{s.has()}
	for _, h := range happenings() {
		if s.May.has(h.choice) {
			may = append(may, h.words)
		}
	}
	return strings.Join(may, "; ")
}

// matrix is a table of the things that may happen in each scope. It shows at a glance
// which things no scope combines.
func matrix(scopes []Scope) string {
	var b strings.Builder
	b.WriteString("| what may happen |")
	for _, s := range scopes {
		fmt.Fprintf(&b, " %s |", s.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", len(scopes)) + "\n")
	for _, h := range happenings() {
		fmt.Fprintf(&b, "| %s |", h.words)
		for _, s := range scopes {
			if s.May.has(h.choice) {
				b.WriteString(" x |")
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
