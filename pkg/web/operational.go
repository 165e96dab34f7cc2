package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// Operational adds the endpoints that every service has:
//
//	GET /healthz  200 while the process can answer
//	GET /readyz   200, or 503 with the missing parts, one sentence each
//	GET /pending  the result of pending, as JSON: work accepted but not finished
//	GET /metrics  metrics
//
// Each probe calls ready, so ready must not wait. It returns nothing when the service
// is ready.
func Operational(e *echo.Echo, ready func() []string, pending func(context.Context) (any, error), metrics http.Handler) {
	e.GET("/healthz", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
	})
	e.GET("/readyz", func(c echo.Context) error {
		if missing := ready(); len(missing) > 0 {
			return c.JSON(http.StatusServiceUnavailable, map[string][]string{"missing": missing})
		}
		return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
	})
	e.GET("/pending", func(c echo.Context) error {
		work, err := pending(c.Request().Context())
		if err != nil {
			// The log does not need this: a client that asks gets the reason
			// each time, also from a service that is not ready.
			return Unavailable("What is pending cannot be counted now: "+err.Error(), time.Second)
		}
		return c.JSON(http.StatusOK, work)
	})
	e.GET("/metrics", echo.WrapHandler(metrics))
}
