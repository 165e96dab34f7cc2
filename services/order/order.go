// Package order accepts orders and shows their progress. It starts the choreography
// and records its end; it holds no plan of the steps between.
package order

import (
	"errors"
	"slices"
	"time"

	"github.com/quintet-eda/quintet/schemas/events"
)

// Order is what the order service knows of one order.
type Order struct {
	ID         string
	CustomerID string
	Status     Status
	Reason     events.Reason // of its cancellation, requested or done
	// External is set for an order that this service did not place. The service
	// received another participant's event about it, and ends the order.
	External bool
	Total    int64 // minor units
	Currency string
	Lines    []events.OrderLine
	Progress []Step
	PlacedAt time.Time
}

// Step is one fact of an order's progress.
type Step struct {
	Event string        `json:"event"`
	At    time.Time     `json:"at"`
	Why   events.Reason `json:"reason,omitempty"`
}

// Status is the state that the customer sees.
type Status string

const (
	Unknown    Status = ""
	Pending    Status = "pending"
	Cancelling Status = "cancelling" // requested, not promised: it may still complete
	Completed  Status = "completed"
	Cancelled  Status = "cancelled"
)

// Terminal reports whether nothing changes the status any more.
func (s Status) Terminal() bool { return s == Completed || s == Cancelled }

var (
	// ErrNotFound is returned when the service has no order of that id.
	ErrNotFound = errors.New("no such order")
	// ErrTerminal is returned when an order that has ended is to be cancelled.
	ErrTerminal = errors.New("order has ended and cannot be cancelled")
)

// step adds a fact to the progress. The slice is copied: the state that the
// reaction was given must stay as it was.
func (o Order) step(event string, at time.Time, why events.Reason) Order {
	o.Progress = append(slices.Clone(o.Progress), Step{Event: event, At: at, Why: why})
	return o
}

func (o Order) ended() bool { return o.Status.Terminal() }

// steps are an order's progress up to its end. Events received after the end change
// nothing and are not streamed.
func (o Order) steps() []any {
	var all []any
	for _, s := range o.Progress {
		if all = append(all, s); s.Event == "OrderCompleted" || s.Event == "OrderCancelled" {
			break
		}
	}
	return all
}

// known makes an order that this service did not place an external one.
func (o Order) known(id string, at time.Time) Order {
	if o.Status == Unknown {
		o.ID, o.Status, o.External, o.PlacedAt = id, Pending, true, at
	}
	return o
}
