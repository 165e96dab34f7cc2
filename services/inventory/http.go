package inventory

import (
	"context"
	"database/sql"
	_ "embed" // the API's document
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/telemetry"
	"github.com/quintet-eda/quintet/pkg/web"
)

//go:embed openapi.yaml
var openapi []byte

func routes(e *echo.Echo, spec *web.Spec, db *store.Reader, submit service.Submit) {
	spec.Serve(e)
	e.GET("/stock", listStock(db))
	e.GET("/stock/:sku", getStock(db))
	e.POST("/stock/:sku/receive", receiveStock(spec, submit))
	e.GET("/reservations/:orderId", web.ByID("orderId", notFound, getReservation(db)))
}

// These hold a request to what the document says of its path and headers.
const (
	skuPattern    = `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`
	tenantPattern = `^[A-Za-z0-9._-]{1,64}$`
	keyPattern    = `^[ -~]{1,128}$`
)

func checked(pattern string) func(what, s string) (string, error) {
	p := regexp.MustCompile(pattern)
	return func(what, s string) (string, error) {
		if !p.MatchString(s) {
			return "", web.BadRequest(fmt.Sprintf("%s must match %s", what, pattern))
		}
		return s, nil
	}
}

// defaultLimit and maxLimit are how many levels a page of /stock has.
const (
	defaultLimit = 100
	maxLimit     = 500
)

type stockPage struct {
	Stock []StockReceived `json:"stock"`
	Next  string          `json:"next,omitempty"`
}

func listStock(db *store.Reader) echo.HandlerFunc {
	sku := checked(skuPattern)
	return func(c echo.Context) error {
		limit := defaultLimit
		if text := c.QueryParam("limit"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxLimit {
				return web.BadRequest(fmt.Sprintf("limit must be a number from 1 to %d", maxLimit))
			}
			limit = n
		}
		after := c.QueryParam("after")
		if after != "" {
			if _, err := sku("after", after); err != nil {
				return err
			}
		}
		page, err := stockAfter(c.Request().Context(), db, after, limit)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, page)
	}
}

// stockAfter reads one row more than the page has, to see whether another page
// follows.
func stockAfter(ctx context.Context, db *store.Reader, after string, limit int) (stockPage, error) {
	page := stockPage{Stock: []StockReceived{}}
	rows, err := db.QueryContext(ctx, `SELECT sku, on_hand, reserved, shipped, received FROM stock WHERE sku > ? ORDER BY sku LIMIT ?`, after, limit+1)
	if err != nil {
		return page, fmt.Errorf("list stock after %q: %w", after, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s StockReceived
		if err := rows.Scan(&s.SKU, &s.OnHand, &s.Reserved, &s.Shipped, &s.Received); err != nil {
			return page, fmt.Errorf("list stock after %q: %w", after, err)
		}
		page.Stock = append(page.Stock, s)
	}
	if err := rows.Err(); err != nil {
		return page, fmt.Errorf("list stock after %q: %w", after, err)
	}
	if len(page.Stock) > limit {
		page.Stock = page.Stock[:limit]
		page.Next = page.Stock[limit-1].SKU
	}
	return page, nil
}

func getStock(db *store.Reader) echo.HandlerFunc {
	check := checked(skuPattern)
	return func(c echo.Context) error {
		sku, err := check("sku", c.Param("sku"))
		if err != nil {
			return err
		}
		s := StockReceived{SKU: sku}
		err = db.QueryRowContext(c.Request().Context(), `SELECT on_hand, reserved, shipped, received FROM stock WHERE sku = ?`, sku).
			Scan(&s.OnHand, &s.Reserved, &s.Shipped, &s.Received)
		if errors.Is(err, sql.ErrNoRows) {
			return web.NotFound("This SKU was never received.")
		}
		if err != nil {
			return fmt.Errorf("read stock of %s: %w", sku, err)
		}
		return c.JSON(http.StatusOK, s)
	}
}

func receiveStock(spec *web.Spec, submit service.Submit) echo.HandlerFunc {
	checkSKU, checkTenant, checkKey := checked(skuPattern), checked(tenantPattern), checked(keyPattern)
	return func(c echo.Context) error {
		sku, err := checkSKU("sku", c.Param("sku"))
		if err != nil {
			return err
		}
		header := c.Request().Header
		tenant := record.DefaultTenant
		if h := header.Get("X-Tenant-ID"); h != "" {
			if tenant, err = checkTenant("X-Tenant-ID", h); err != nil {
				return err
			}
		}
		key := ""
		if h := header.Get("Idempotency-Key"); h != "" {
			if key, err = checkKey("Idempotency-Key", h); err != nil {
				return err
			}
			key = "receive/" + tenant + "/" + sku + "/" + key // neither tenant nor SKU holds a slash, so no two scopes meet
		}
		var body struct {
			Quantity int64 `json:"quantity"`
		}
		if err := spec.Decode(c, "receiveStock", &body); err != nil {
			return err
		}
		reply, err := submit(c.Request().Context(), engine.Command{
			Key: "sku/" + sku, Body: ReceiveStock{SKU: sku, Quantity: body.Quantity},
			IdempotencyKey: key, Digest: strconv.FormatInt(body.Quantity, 10), Tenant: tenant,
			Traceparent: telemetry.Traceparent(header.Get("traceparent")),
		})
		if err != nil {
			return refusal(sku, err)
		}
		return c.JSONBlob(http.StatusOK, reply)
	}
}

// retryAfter is when a client should try again: a commit later, or after a
// short outage.
const retryAfter = time.Second

// refusal is how a command that did not happen, or may not have, is answered.
func refusal(sku string, err error) error {
	switch {
	case errors.Is(err, engine.ErrKeyReused):
		return web.Invalid("This Idempotency-Key was used for a delivery of another quantity.")
	case errors.Is(err, ErrTooMuchStock):
		return web.Invalid("The delivery does not fit.", web.FieldError{Field: "quantity", Message: "would overflow the stock level"})
	case errors.Is(err, engine.ErrUnavailable):
		return web.Unavailable("The delivery was not taken in. Repeat it.", retryAfter).Because(err)
	case errors.Is(err, engine.ErrOutcomeUnknown):
		return web.Unavailable("Whether the delivery was taken in is unknown. Repeat it with the same Idempotency-Key.", retryAfter).Because(err)
	}
	return fmt.Errorf("receive stock of %s: %w", sku, err)
}

const notFound = "No stock was ever asked for by this order."

type reservationView struct {
	OrderID string          `json:"orderId"`
	Status  Status          `json:"status"`
	Lines   json.RawMessage `json:"lines"`
}

func getReservation(db *store.Reader) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := reservationView{OrderID: c.Param("orderId")}
		var lines string
		err := db.QueryRowContext(c.Request().Context(), `SELECT status, lines FROM reservations WHERE order_id = ?`, v.OrderID).Scan(&v.Status, &lines)
		if errors.Is(err, sql.ErrNoRows) {
			return web.NotFound(notFound)
		}
		if err != nil {
			return fmt.Errorf("read reservation of %s: %w", v.OrderID, err)
		}
		v.Lines = json.RawMessage(lines)
		return c.JSON(http.StatusOK, v)
	}
}
