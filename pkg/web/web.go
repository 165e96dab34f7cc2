// Package web is the HTTP edge of a service. It has strict bodies, problems as negative
// answers, the endpoints of operation, event streams, and a server that ends in order.
//
// A client of an API never sees the text of an internal error. The text is logged, once,
// and the answer is a plain 500. Endpoints of operation (/readyz, /pending) name the
// fault.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/labstack/echo/v4"
)

// BodyLimit bounds the bytes of a request's body; more is a 413. The limit leaves room
// for a body that is far too long, so that the answer can name its fields.
const BodyLimit = 1 << 20

// New makes an echo that answers every error as a problem, its own 404 and 405
// included. It survives a panicking handler, and limits bodies to [BodyLimit]. It
// answers HEAD wherever it answers GET.
func New(log *slog.Logger) *echo.Echo {
	e := echo.New()
	// RFC 9110: HEAD is as GET without the body, and net/http leaves the body out.
	e.OnAddRouteHandler = func(_ string, r echo.Route, h echo.HandlerFunc, ms []echo.MiddlewareFunc) {
		if r.Method == http.MethodGet {
			e.Add(http.MethodHead, r.Path, h, ms...)
		}
	}
	e.HTTPErrorHandler = func(err error, c echo.Context) { answer(log, err, c) }
	e.Use(recoverPanics, limitBody)
	return e
}

// answer alone turns an error into a response, and logs an error that the client must
// not see.
func answer(log *slog.Logger, err error, c echo.Context) {
	req := c.Request()
	if errors.Is(err, context.Canceled) && req.Context().Err() != nil {
		return // the client left, and waits for no answer
	}
	p := asProblem(err)
	if p.Status == http.StatusInternalServerError || p.cause != nil {
		log.LogAttrs(req.Context(), slog.LevelError, "request failed", slog.String("method", req.Method),
			slog.String("route", c.Path()), slog.Int("status", p.Status), slog.String("error", err.Error()))
	}
	if c.Response().Committed {
		return // too late for a problem
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "application/problem+json")
	if p.retryAfter > 0 {
		header.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if req.Method == http.MethodHead {
		c.Response().WriteHeader(p.Status)
		return
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"type":"about:blank","status":500}`) // strings and a number always marshal
	}
	c.Response().WriteHeader(p.Status)
	_, _ = c.Response().Write(body) // a client that cannot be answered has left
}

// asProblem keeps the part of an error that is for the client, and drops the rest.
func asProblem(err error) *Problem {
	var p *Problem
	var tooLarge *http.MaxBytesError
	var echoed *echo.HTTPError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge):
		return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body exceeds %d bytes.", tooLarge.Limit))
	case errors.As(err, &echoed) && echoed.Code < http.StatusInternalServerError:
		detail, _ := echoed.Message.(string)
		switch echoed.Code {
		case http.StatusNotFound:
			detail = "There is nothing at this path."
		case http.StatusMethodNotAllowed:
			detail = "The Allow header lists what this path answers to."
		}
		return problem(echoed.Code, detail)
	}
	return problem(http.StatusInternalServerError, "The request failed for a reason that is not yours. It has been logged.")
}

func recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch r := recover(); {
			case r == nil:
			case r == any(http.ErrAbortHandler): // a handler's way to hang up
				panic(r)
			default:
				err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		return next(c)
	}
}

func limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req := c.Request()
		req.Body = http.MaxBytesReader(c.Response().Writer, req.Body, BodyLimit)
		return next(c)
	}
}
