package e2e

import "io"

// Live prints one order's flow as its events arrive. If an event arrives before its
// cause, from another topic, Live holds it back until the cause has arrived.
type Live struct {
	printer *Printer
	held    []Fact
}

// NewLive makes a live print of an order's flow.
func NewLive(w io.Writer, order string) *Live {
	l := &Live{printer: NewPrinter(w)}
	l.printer.header(order)
	return l
}

// Add adds an event of the order, and prints each event whose cause has arrived.
func (l *Live) Add(f Fact) {
	l.held = append(l.held, f)
	for printed := true; printed; {
		printed = false
		var rest []Fact
		for _, h := range l.held {
			if _, known := l.printer.known[h.Causation]; h.Causation == "" || known {
				l.printer.event(h)
				printed = true
			} else {
				rest = append(rest, h)
			}
		}
		l.held = rest
	}
}
