package order

import (
	_ "embed" // the API's document
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas/events"
)

//go:embed openapi.yaml
var openapi []byte

const notFound = "There is no such order."

func routes(a *service.API, deadline time.Duration) {
	h := handlers{a, deadline}
	order := service.Resource[Order]{Table: orders, Nobody: notFound, View: shown, Ended: Order.ended, Steps: Order.steps}
	a.POST("/orders", h.place)
	a.GET("/orders", h.list)
	a.GET("/orders/:id", order.Get(a))
	a.GET("/orders/:id/events", order.Follow(a))
	a.POST("/orders/:id/cancel", web.ByID(notFound, h.cancel))
}

type handlers struct {
	*service.API
	deadline time.Duration // of each order placed here
}

// place accepts an order. Its answer is the reply that the batch stored under the
// idempotency key, byte for byte.
func (h handlers) place(c echo.Context) error {
	var p placement
	decoded := h.Spec.Decode(c, &p)
	if err := p.check(decoded); err != nil {
		return err
	}
	digest, err := p.digest()
	if err != nil {
		return err
	}
	id := engine.NewKey()
	reply, err := h.Command(c, service.Ask{
		Key: id, Body: p.command(id, h.deadline), Digest: digest, Operation: "place",
		Again: fmt.Sprintf("Look for the order at /orders/%s: without an Idempotency-Key a repeat may place a second one.", id),
	})
	if err != nil {
		return err
	}
	var accepted Accepted // after a repeat: the order that the first request placed
	if err := json.Unmarshal(reply, &accepted); err != nil {
		return fmt.Errorf("read the answer to an order: %w", err)
	}
	c.Response().Header().Set(echo.HeaderLocation, "/orders/"+accepted.OrderID)
	return c.JSONBlob(http.StatusAccepted, reply)
}

// cancel requests the cancellation of an order. It needs no idempotency key: a repeat
// requests nothing more.
func (h handlers) cancel(c echo.Context) error {
	id := c.Param("id")
	reply, err := h.Command(c, service.Ask{Key: id, Body: CancelOrder{OrderID: id}, Again: "Repeat the request: an order is asked once."})
	switch {
	case errors.Is(err, ErrNotFound):
		return web.NotFound(notFound)
	case errors.Is(err, ErrTerminal):
		return web.Conflict("The order has ended and cannot be cancelled.")
	case err != nil:
		return err
	}
	return c.JSONBlob(http.StatusAccepted, reply)
}

type page struct {
	Orders []summary `json:"orders"`
	Next   string    `json:"next,omitempty"` // the value of after for the next page
}

// list shows orders, newest first. Paging neither skips nor repeats an order, because
// its place never changes. An order whose status changes may leave a listing by status.
func (h handlers) list(c echo.Context) error {
	p := web.ParamsOf(c)
	where, args, limit := `true`, []any{}, p.Int("limit")
	if p["customerId"] != "" {
		where, args = where+` AND customer_id = ?`, append(args, p["customerId"])
	}
	if p["status"] != "" {
		where, args = where+` AND status = ?`, append(args, p["status"])
	}
	if p["after"] != "" {
		var placed int64
		var id string
		if err := p.ReadCursor("after", &placed, &id); err != nil {
			return err
		}
		where, args = where+` AND (placed_at, id) < (?, ?)`, append(args, placed, id)
	}
	found, err := summaries.List(c.Request().Context(), h.DB, where+` ORDER BY placed_at DESC, id DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return service.Unreadable(err)
	}
	orders, next := web.Page(found, limit, func(o Order) string { return web.Cursor(o.PlacedAt.UnixMicro(), o.ID) })
	answer := page{Orders: make([]summary, len(orders)), Next: next}
	for i, o := range orders {
		answer.Orders[i] = summed(o)
	}
	return c.JSON(http.StatusOK, answer)
}

// summary is an order in a listing. An external order has no customer, total,
// currency or lines: only its producer knows them.
type summary struct {
	OrderID    string        `json:"orderId"`
	CustomerID string        `json:"customerId,omitempty"`
	Status     Status        `json:"status"`
	Reason     events.Reason `json:"reason,omitempty"`
	External   bool          `json:"external,omitempty"`
	Total      int64         `json:"total,omitempty"`
	Currency   string        `json:"currency,omitempty"`
	PlacedAt   time.Time     `json:"placedAt"`
}

// details is an order as clients see it.
type details struct {
	summary
	Lines    []events.OrderLine `json:"lines,omitempty"`
	Progress []Step             `json:"progress"`
}

func summed(o Order) summary {
	return summary{OrderID: o.ID, CustomerID: o.CustomerID, Status: o.Status, Reason: o.Reason, External: o.External, Total: o.Total, Currency: o.Currency, PlacedAt: o.PlacedAt}
}

func shown(o Order) any { return details{summary: summed(o), Lines: o.Lines, Progress: o.Progress} }
