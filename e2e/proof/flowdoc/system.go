// Package flowdoc draws the maps of the choreography from the tables that the services
// run by, so that the maps cannot differ from them. From the same tables and reactions
// it checks whether the choreography is well-formed.
package flowdoc

import (
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// Services are the participants, in the order of the story.
func Services() []string { return []string{"order", "inventory", "payment", "shipping", "email"} }

// Rows are all rows of the five tables.
func Rows() []flow.Row {
	var rows []flow.Row
	rows = append(rows, order.Flow.Rows()...)
	rows = append(rows, inventory.Flow.Rows()...)
	rows = append(rows, payment.Flow.Rows()...)
	rows = append(rows, shipping.Flow.Rows()...)
	return append(rows, email.Flow.Rows()...)
}

// Terminal are the events that end a story.
func Terminal() []flow.Event {
	var events []flow.Event
	for _, t := range [][]flow.Event{order.Flow.Terminal, inventory.Flow.Terminal, payment.Flow.Terminal, shipping.Flow.Terminal, email.Flow.Terminal} {
		events = append(events, t...)
	}
	return events
}

// Compensations are the compensations of all participants.
func Compensations() []flow.Compensation {
	var undone []flow.Compensation
	for _, u := range [][]flow.Compensation{order.Flow.Compensations, inventory.Flow.Compensations, payment.Flow.Compensations, shipping.Flow.Compensations, email.Flow.Compensations} {
		undone = append(undone, u...)
	}
	return undone
}

// Emitted are the events that some reaction emits, each once, in the order of
// the tables.
func Emitted(rows []flow.Row) []flow.Event {
	var events []flow.Event
	seen := map[string]bool{}
	for _, r := range rows {
		for _, e := range r.Emits {
			if !seen[e.EventType()] {
				seen[e.EventType()] = true
				events = append(events, e)
			}
		}
	}
	return events
}

// Consumers are the services that react to an event.
func Consumers(rows []flow.Row, eventType string) []string {
	var services []string
	for _, r := range rows {
		if r.Kind == flow.KindEvent && r.Input == eventType {
			services = append(services, r.Service)
		}
	}
	return services
}

// short is an event's name without its namespace.
func short(eventType string) string { return eventType[strings.LastIndexByte(eventType, '.')+1:] }

func shorts(events []flow.Event) []string {
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = short(e.EventType())
	}
	return names
}
