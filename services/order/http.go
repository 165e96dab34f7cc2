package order

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas/events"
)

//go:embed openapi.yaml
var openapi []byte

// api is the HTTP face of the service.
type api struct {
	db       *store.DB
	submit   service.Submit
	spec     *web.Spec
	watchers *watchers
	deadline time.Duration
}

func (a *api) routes(e *echo.Echo) {
	a.spec.Serve(e)
	e.POST("/orders", a.place)
	e.GET("/orders", a.list)
	e.GET("/orders/:id", byID(a.get))
	e.GET("/orders/:id/events", byID(a.events))
	e.POST("/orders/:id/cancel", byID(a.cancel))
}

// place takes an order. What it answers is what the batch stored under the
// idempotency key, byte for byte.
func (a *api) place(c echo.Context) error {
	from, err := callerOf(c.Request().Header)
	if err != nil {
		return err
	}
	var p placement
	body, err := p.order(a.spec.Decode(c, "placeOrder", &p))
	if err != nil {
		return err
	}
	digest, err := p.digest()
	if err != nil {
		return err
	}
	body.OrderID, body.Deadline = engine.NewKey(), a.deadline
	command := engine.Command{Key: body.OrderID, Body: body, Digest: digest, Tenant: from.tenant, Traceparent: from.traceparent}
	if from.key != "" { // a tenant holds no slash, so no two pairs make one key
		command.IdempotencyKey = "place/" + from.tenant + "/" + from.key
	}
	reply, err := a.submit(c.Request().Context(), command)
	if err != nil {
		unknown := "Whether the order was placed is not known yet. Repeat the request with the same Idempotency-Key: it places one order."
		if from.key == "" {
			unknown = fmt.Sprintf("Whether the order was placed is not known yet. Look for it at /orders/%s: without an Idempotency-Key a repeat may place a second one.", body.OrderID)
		}
		return refusal(err, unknown)
	}
	var accepted Accepted // of a repeat: the order that was placed first
	if err := json.Unmarshal(reply, &accepted); err != nil {
		return fmt.Errorf("read the answer to an order: %w", err)
	}
	c.Response().Header().Set(echo.HeaderLocation, "/orders/"+accepted.OrderID)
	return c.JSONBlob(http.StatusAccepted, reply)
}

// cancel asks for an order to be cancelled. It needs no idempotency key: asked
// again, an order is asked once.
func (a *api) cancel(c echo.Context) error {
	id := c.Param("id")
	reply, err := a.submit(c.Request().Context(), engine.Command{Key: id, Body: CancelOrder{OrderID: id}, Traceparent: traceparent(c.Request().Header)})
	if err != nil {
		return refusal(err, "Whether the cancellation was asked for is not known yet. Repeat the request: an order is asked once.")
	}
	return c.JSONBlob(http.StatusAccepted, reply)
}

const notFound = "There is no such order."

// refusal is the answer to a command that was not taken in.
func refusal(err error, unknown string) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return web.NotFound(notFound)
	case errors.Is(err, ErrTerminal):
		return web.Conflict("The order has ended and cannot be cancelled.")
	case errors.Is(err, engine.ErrKeyReused):
		return web.Invalid("The Idempotency-Key was used for another order.", web.FieldError{Field: "Idempotency-Key", Message: "was used with another body"})
	case errors.Is(err, engine.ErrUnavailable):
		return web.Unavailable("The service takes no commands at the moment. Nothing has happened; try again.", time.Second)
	case errors.Is(err, engine.ErrOutcomeUnknown):
		return web.Unavailable(unknown, time.Second)
	}
	return fmt.Errorf("submit command: %w", err)
}

// readProblem is the answer to a reading that failed; nil stays nil.
func readProblem(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return web.NotFound(notFound)
	}
	return web.Unavailable("Orders cannot be read at the moment. Try again.", time.Second).Because(err)
}

// byID is a handler of one order.
func byID(next echo.HandlerFunc) echo.HandlerFunc { return web.ByID("id", notFound, next) }

// details is an order as clients see it.
type details struct {
	summary
	Lines    []events.OrderLine `json:"lines,omitempty"`
	Progress []Step             `json:"progress"`
}

// summary is an order in a listing. An external order has no customer, total,
// currency or lines: only who placed it knows them.
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

func summed(o Order) summary {
	return summary{OrderID: o.ID, CustomerID: o.CustomerID, Status: o.Status, Reason: o.Reason, External: o.External, Total: o.Total, Currency: o.Currency, PlacedAt: o.PlacedAt}
}

func shown(o Order) details {
	return details{summary: summed(o), Lines: o.Lines, Progress: o.Progress}
}
