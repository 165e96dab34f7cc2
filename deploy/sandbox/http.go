package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	maxBody = 64 << 10 // bytes
	maxKey  = 255      // bytes
)

// errStopping is returned when the sandbox stops before a call was processed.
var errStopping = errors.New("stopping")

// routes returns the HTTP side of the outside world. Only the provider's and the
// carrier's own calls suffer faults. The calls with which tests observe and control the
// sandbox do not.
func (s *Sandbox) routes() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = s.writeProblem
	// RFC 9110: HEAD is as GET, without the body, which net/http leaves out.
	e.OnAddRouteHandler = func(_ string, r echo.Route, h echo.HandlerFunc, ms []echo.MiddlewareFunc) {
		if r.Method == http.MethodGet {
			e.Add(http.MethodHead, r.Path, h, ms...)
		}
	}

	e.POST("/payments/:key/charge", call(s, provider, s.payments.charge))
	e.POST("/payments/:key/void", call(s, provider, s.payments.void))
	e.POST("/payments/:key/refund", call(s, provider, s.payments.refund))
	e.GET("/payments/:key", query(s, provider, s.payments.query))

	e.POST("/shipments/:key/book", call(s, carrier, s.shipments.book))
	e.POST("/shipments/:key/unbook", call(s, carrier, s.shipments.unbook))
	e.GET("/shipments/:key", query(s, carrier, s.shipments.query))
	e.POST("/shipments/:key/collect", s.postCollect)

	e.GET("/ledger/:name", s.getLedger)
	e.GET("/faults", s.getFaults)
	e.POST("/faults", s.postFaults)
	e.DELETE("/faults", s.deleteFaults)
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, answer{Status: "ok"}) })
	e.GET("/readyz", s.getReady)
	return e
}

// answer is a provider's answer to a call.
type answer struct {
	code int
	lost bool // the sandbox never sends it

	Status         string `json:"status"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
}

// call serves one operation of a dependency with the request that it expects.
func call[R interface{ check() []badField }](s *Sandbox, dependency string,
	do func(ctx context.Context, key string, r R, lost bool) (answer, error),
) echo.HandlerFunc {
	return func(c echo.Context) error {
		// The body is read before any wait. net/http detects a caller that hangs up
		// only after it has read the whole request.
		body, err := readBody(c)
		if err != nil {
			return err
		}
		return s.suffer(c, dependency, func(key string, lost bool) (answer, error) {
			var r R
			if err := json.Unmarshal(body, &r); err != nil {
				return answer{}, badJSON(err)
			}
			if bad := r.check(); len(bad) > 0 {
				return answer{}, invalid(bad)
			}
			return do(c.Request().Context(), key, r, lost)
		})
	}
}

// query serves an operation that needs only the key.
func query(s *Sandbox, dependency string, do func(key string) (answer, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		return s.suffer(c, dependency, func(key string, _ bool) (answer, error) { return do(key) })
	}
}

// suffer does one operation of a dependency: faults first, then the operation, then its
// answer or the lack of it.
func (s *Sandbox) suffer(c echo.Context, dependency string, do func(key string, lost bool) (answer, error)) error {
	luck := s.faults.draw(dependency)
	if !pause(s.stopping, luck.delay) || luck.refuse {
		hangUp()
	}
	if luck.fail {
		return c.JSON(http.StatusServiceUnavailable, answer{Status: unavailable})
	}
	key := c.Param("key")
	if len(key) > maxKey {
		return invalid([]badField{{"key", fmt.Sprintf("must have at most %d bytes", maxKey)}})
	}
	a, err := do(key, luck.lost)
	switch {
	case errors.Is(err, errStopping):
		hangUp()
	case a.lost || luck.lost:
		s.hold(c.Request().Context())
	case err != nil:
		return err
	}
	return c.JSON(a.code, a)
}

// hold never answers. It waits until the caller gives up or the sandbox stops, and
// closes the connection.
func (s *Sandbox) hold(caller context.Context) {
	select {
	case <-caller.Done():
	case <-s.stopping.Done():
	}
	hangUp()
}

// hangUp closes the connection without an answer. net/http logs every panic but this
// one.
func hangUp() { panic(http.ErrAbortHandler) }

// pause waits for d; it returns false when the sandbox stops before that.
func pause(stopping context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stopping.Done():
		return false
	}
}

func readBody(c echo.Context) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body has more than %d bytes", large.Limit)}
	}
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	return body, nil
}

func (s *Sandbox) postCollect(c echo.Context) error {
	a, err := s.shipments.collect(c.Param("key"))
	if err != nil {
		return err
	}
	return c.JSON(a.code, a)
}

func (s *Sandbox) getLedger(c echo.Context) error {
	name := c.Param("name")
	l, ok := s.ledgers[name]
	if !ok {
		return &problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no ledger %q; there are payments, shipments and mails", name)}
	}
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return l.writeTo(c.Response(), c.QueryParam("orderId"))
}

func (s *Sandbox) getFaults(c echo.Context) error {
	return c.JSON(http.StatusOK, s.faults.list())
}

func (s *Sandbox) postFaults(c echo.Context) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	f, bad := parseFault(body)
	if len(bad) > 0 {
		return invalid(bad)
	}
	s.faults.set(f)
	s.log.Info("fault set", "dependency", f.Dependency, "kind", f.Kind, "rate", f.Rate, "until", f.Until)
	return c.JSON(http.StatusCreated, f)
}

func (s *Sandbox) deleteFaults(c echo.Context) error {
	dependency := c.QueryParam("dependency")
	switch dependency {
	case "", provider:
		if err := s.payments.lift(); err != nil {
			return err
		}
	case carrier, mailbox:
	default:
		return invalid([]badField{{"dependency", "must be one of payment, carrier, mail"}})
	}
	s.faults.lift(dependency)
	s.log.Info("faults lifted", "dependency", dependency)
	return c.NoContent(http.StatusNoContent)
}

// getReady answers 503 while a ledger cannot be written, since no operation can take
// effect then.
func (s *Sandbox) getReady(c echo.Context) error {
	for _, l := range s.ledgers {
		if err := l.trouble(); err != nil {
			return &problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}
		}
	}
	return c.JSON(http.StatusOK, answer{Status: "ready"})
}
