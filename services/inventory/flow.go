package inventory

import (
	"errors"
	"maps"
	"math"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// Flow is inventory's part in the choreography.
var Flow = flow.Participant[Reservation]{
	Service: "inventory",
	Reactions: []flow.Reaction[Reservation]{
		flow.OnCommand[ReceiveStock](receive),
		flow.OnEvent[events.OrderPlaced](reserve).Emits(events.StockReserved{}, events.StockRejected{}),
		flow.OnEvent[events.PaymentFailed](releaseUnpaid).Emits(events.StockReleased{}),
		flow.OnEvent[events.PaymentRefunded](releaseRefunded).Emits(events.StockReleased{}),
		flow.OnEvent[events.ShipmentCreated](handOver),
	},
	Compensations: []flow.Compensation{{Step: events.StockReserved{}, By: events.StockReleased{}}},
}

// ReceiveStock is a delivery from a supplier.
type ReceiveStock struct {
	SKU      string
	Quantity int64
}

// ErrTooMuchStock is returned when a delivery would overflow a level.
var ErrTooMuchStock = errors.New("stock level would overflow")

func receive(r Reservation, c ReceiveStock, out *flow.Out) Reservation {
	level := r.Levels[c.SKU]
	if c.Quantity > math.MaxInt64-level.Received {
		out.Reject(ErrTooMuchStock)
		return r
	}
	level.OnHand += c.Quantity
	level.Received += c.Quantity
	r.Levels = maps.Clone(r.Levels)
	r.Levels[c.SKU] = level
	out.Reply(Stock{SKU: c.SKU, Level: level})
	return r
}

// reserve holds every line of the order or none of them.
func reserve(r Reservation, e events.OrderPlaced, out *flow.Out) Reservation {
	if r.Status != Unknown {
		return r
	}
	r.OrderID = e.OrderID
	lines := wanted(e.Lines)
	if short := r.missing(lines); len(short) > 0 || len(lines) == 0 {
		r.Status = Rejected
		out.Emit(events.StockRejected{OrderID: e.OrderID, Reason: events.ReasonOutOfStock, Shortages: short})
		return r
	}
	r.Status, r.Lines = Reserved, lines
	out.Emit(events.StockReserved{OrderID: e.OrderID})
	return r.move(func(l Level, n int64) Level {
		l.OnHand -= n
		l.Reserved += n
		return l
	})
}

func releaseUnpaid(r Reservation, e events.PaymentFailed, out *flow.Out) Reservation {
	return release(r, e.Reason, out)
}

func releaseRefunded(r Reservation, e events.PaymentRefunded, out *flow.Out) Reservation {
	return release(r, e.Reason, out)
}

// release compensates reserve, once.
func release(r Reservation, reason events.Reason, out *flow.Out) Reservation {
	if r.Status != Reserved {
		return r
	}
	r.Status = Released
	out.Emit(events.StockReleased{OrderID: r.OrderID, Reason: reason})
	return r.move(func(l Level, n int64) Level {
		l.Reserved -= n
		l.OnHand += n
		return l
	})
}

// handOver moves the reserved pieces to shipped: the carrier has them.
func handOver(r Reservation, _ events.ShipmentCreated, _ *flow.Out) Reservation {
	if r.Status != Reserved {
		return r
	}
	r.Status = Shipped
	return r.move(func(l Level, n int64) Level {
		l.Reserved -= n
		l.Shipped += n
		return l
	})
}
