package payment

import (
	"cmp"
	"database/sql"
	_ "embed"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas/events"
)

//go:embed openapi.yaml
var openapi []byte

const notFound = "No payment is known for this order."

// view is a payment as others may see it: never the token.
type view struct {
	OrderID   string        `json:"orderId"`
	PaymentID string        `json:"paymentId,omitempty"`
	Status    Status        `json:"status"`
	Amount    int64         `json:"amount,omitempty"` // minor units
	Currency  string        `json:"currency,omitempty"`
	Reason    events.Reason `json:"reason,omitempty"`
}

func routes(spec *web.Spec) func(*echo.Echo, *store.DB, service.Submit) {
	return func(e *echo.Echo, db *store.DB, _ service.Submit) {
		spec.Serve(e)
		e.GET("/payments/:orderId", web.ByID("orderId", notFound, func(c echo.Context) error { return show(c, db.Read()) }))
	}
}

func show(c echo.Context, db *store.Reader) error {
	p, err := find(c.Request().Context(), db, c.Param("orderId"))
	if errors.Is(err, sql.ErrNoRows) {
		return web.NotFound(notFound)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, view{
		OrderID: p.OrderID, PaymentID: p.ID, Status: cmp.Or(p.Status, "waiting"),
		Amount: p.Due, Currency: p.Currency, Reason: p.Reason,
	})
}
