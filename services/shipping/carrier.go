package shipping

import (
	"context"
	"net/http"
	"net/url"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/remote"
	"github.com/quintet-eda/quintet/schemas/events"
)

// callHandlers make the calls. A booking is given up within its bounds. An unbooking
// has no bounds, since a parcel must not be left behind silently.
func callHandlers(cfg Config) []flow.CallHandler {
	c := carrier{remote.New("carrier", cfg.URL)}
	book := cfg.Calls.Policy()
	undo := flow.Policy{Timeout: cfg.Calls.Timeout}
	return []flow.CallHandler{
		flow.HandleCall(book, c.book, giveUp),
		flow.HandleCall(undo, c.unbook, nil),
	}
}

func giveUp(_ Book, unknown bool) BookingAnswered {
	if unknown {
		return BookingAnswered{Outcome: Unknown}
	}
	return BookingAnswered{Outcome: GivenUp}
}

func (c carrier) book(ctx context.Context, call flow.Call, b Book) (BookingAnswered, error) {
	a, parcel, err := c.post(ctx, call, b.ShipmentID, "book", map[string]any{
		"orderId": b.OrderID, "address": b.Address, "lines": contents(b.Lines),
	})
	switch {
	case err != nil:
		return BookingAnswered{}, err
	case a.Says(http.StatusOK, "booked") && parcel.TrackingNumber != "":
		return BookingAnswered{Outcome: Accepted, TrackingNumber: parcel.TrackingNumber}, nil
	case a.Says(http.StatusUnprocessableEntity, "refused"):
		return BookingAnswered{Outcome: Refused}, nil
	case a.Says(http.StatusConflict, "unbooked"):
		// The tombstone of an unbooking: the carrier has undone any booking of
		// this key, and will make none under it.
		return BookingAnswered{Outcome: GivenUp}, nil
	}
	return BookingAnswered{}, a.Failure()
}

// contents are the lines as the carrier receives them: without their prices.
func contents(lines []events.OrderLine) []map[string]any {
	contents := make([]map[string]any, len(lines))
	for i, l := range lines {
		contents[i] = map[string]any{"sku": l.SKU, "quantity": l.Quantity}
	}
	return contents
}

func (c carrier) unbook(ctx context.Context, call flow.Call, u Unbook) (Unbooked, error) {
	a, parcel, err := c.post(ctx, call, u.ShipmentID, "unbook", map[string]any{"orderId": u.OrderID})
	switch {
	case err != nil:
		return Unbooked{}, err
	case a.Says(http.StatusOK, "unbooked"):
		return Unbooked{}, nil
	case a.Says(http.StatusOK, "collected") && parcel.TrackingNumber != "":
		return Unbooked{Collected: true, TrackingNumber: parcel.TrackingNumber}, nil
	}
	return Unbooked{}, a.Failure()
}

// carrier is the carrier's HTTP API. All calls about one shipment carry its id as
// their key, so that the carrier executes each of them once.
type carrier struct{ remote.API }

// tracked is the part of the carrier's answer about a parcel that it has.
type tracked struct {
	TrackingNumber string `json:"trackingNumber"`
}

func (c carrier) post(ctx context.Context, call flow.Call, key, operation string, body any) (remote.Answer, tracked, error) {
	var t tracked
	a, err := c.Post(ctx, call, "/shipments/"+url.PathEscape(key)+"/"+operation, body, &t)
	return a, t, err
}
