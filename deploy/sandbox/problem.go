package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
)

// problem is an RFC 9457 answer. It is for wrong calls; a provider's decision, also a
// "no", is an answer.
type problem struct {
	Title  string     `json:"title"`
	Status int        `json:"status"`
	Detail string     `json:"detail,omitempty"`
	Errors []badField `json:"errors,omitempty"`
}

type badField struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d: %s", p.Status, p.Detail) }

func invalid(bad []badField) error {
	return &problem{Status: http.StatusBadRequest, Detail: "see errors", Errors: bad}
}

func required(bad []badField, field, value string) []badField {
	if value == "" {
		return append(bad, badField{field, "is missing"})
	}
	return bad
}

func badJSON(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return invalid([]badField{{kind.Field, "must not be a JSON " + kind.Value}})
	}
	return invalid([]badField{{"body", "is not the JSON object expected: " + err.Error()}})
}

func keyReused(key, fields string) error {
	return unprocessable(fmt.Sprintf("key %q was used before with another request: %s must stay the same", key, fields))
}

func unprocessable(detail string) error {
	return &problem{Status: http.StatusUnprocessableEntity, Detail: detail}
}

func notFound(what, key string) error {
	return &problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no %s with key %q", what, key)}
}

// writeProblem is echo's error handler. Any other error is a fault of the sandbox
// itself: it is logged here, and answered with 500.
func (s *Sandbox) writeProblem(err error, c echo.Context) {
	if c.Response().Committed {
		s.log.Warn("answer broke off", "path", c.Path(), "error", err)
		return
	}
	var p *problem
	var ofEcho *echo.HTTPError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &ofEcho):
		p = &problem{Status: ofEcho.Code}
	default:
		s.log.Error("call not served", "path", c.Path(), "error", err)
		p = &problem{Status: http.StatusInternalServerError, Detail: err.Error()}
	}
	p.Title = http.StatusText(p.Status)
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(p.Status)
	if err := json.NewEncoder(c.Response()).Encode(p); err != nil {
		s.log.Warn("answer broke off", "path", c.Path(), "error", err)
	}
}
