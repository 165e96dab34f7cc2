package inventory

import (
	_ "embed" // the API's document
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/web"
)

//go:embed openapi.yaml
var openapi []byte

func routes(a *service.API) {
	h := handlers{a}
	a.GET("/stock", h.list)
	a.GET("/stock/:sku", service.Resource[Stock]{Table: stock, Nobody: "This SKU was never received.", View: func(s Stock) any { return s }}.Get(a))
	a.POST("/stock/:sku/receive", h.receive)
	a.GET("/reservations/:orderId", service.Resource[Reservation]{Table: reservations, Nobody: "No stock was ever asked for by this order.", View: shown}.Get(a))
}

type handlers struct{ *service.API }

type page struct {
	Stock []Stock `json:"stock"`
	Next  string  `json:"next,omitempty"`
}

func (h handlers) list(c echo.Context) error {
	p, after := web.ParamsOf(c), ""
	if p["after"] != "" {
		if err := p.ReadCursor("after", &after); err != nil {
			return err
		}
	}
	limit := p.Int("limit")
	found, err := stock.List(c.Request().Context(), h.DB, `sku > ? ORDER BY sku LIMIT ?`, after, limit+1)
	if err != nil {
		return service.Unreadable(err)
	}
	levels, next := web.Page(found, limit, func(s Stock) string { return web.Cursor(s.SKU) })
	return c.JSON(http.StatusOK, page{append([]Stock{}, levels...), next})
}

func (h handlers) receive(c echo.Context) error {
	var body struct {
		Quantity int64 `json:"quantity"`
	}
	if err := h.Spec.Decode(c, &body); err != nil {
		return err
	}
	sku := c.Param("sku")
	reply, err := h.Command(c, service.Ask{
		Key: "sku/" + sku, Body: ReceiveStock{SKU: sku, Quantity: body.Quantity},
		Digest: strconv.FormatInt(body.Quantity, 10), Operation: "receive", Of: sku,
		Again: "Without an Idempotency-Key a repeat may be counted as a second delivery.",
	})
	if errors.Is(err, ErrTooMuchStock) {
		return web.Invalid("The delivery does not fit.", web.FieldError{Field: "quantity", Message: "would overflow the stock level"})
	}
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, reply)
}

type view struct {
	OrderID string `json:"orderId"`
	Status  Status `json:"status"`
	Lines   []Line `json:"lines"`
}

func shown(r Reservation) any { return view{r.OrderID, r.Status, r.Lines} }
