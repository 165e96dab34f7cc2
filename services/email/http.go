package email

import (
	"database/sql"
	_ "embed" // the API's document
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
)

//go:embed openapi.yaml
var openapi []byte

func routes(e *echo.Echo, spec *web.Spec, db *store.Reader) {
	spec.Serve(e)
	e.GET("/notifications/:orderId", web.ByID("orderId", notFound, getNotifications(db)))
}

const notFound = "No notification was ever asked for by this order."

// notifications is what the service tells about an order. The address is not
// among it.
type notifications struct {
	OrderID       string          `json:"orderId"`
	Notifications json.RawMessage `json:"notifications"`
}

func getNotifications(db *store.Reader) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := notifications{OrderID: c.Param("orderId")}
		var notices string
		err := db.QueryRowContext(c.Request().Context(), `SELECT notices FROM mailboxes WHERE order_id = ?`, v.OrderID).Scan(&notices)
		if errors.Is(err, sql.ErrNoRows) {
			return web.NotFound(notFound)
		}
		if err != nil {
			return fmt.Errorf("read notifications of order %s: %w", v.OrderID, err)
		}
		v.Notifications = json.RawMessage(notices)
		return c.JSON(http.StatusOK, v)
	}
}
