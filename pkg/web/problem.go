package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Problem is a negative answer: an error, and its form on the wire
// (RFC 9457, application/problem+json).
//
// One rule gives the status of a bad body. A body that is no JSON document at all
// (syntax, encoding, a key twice, too deep) is 400. A document with impossible content
// (missing, unknown, mistyped or out of range) is 422, and the problem names each
// field. A body that is too large is 413, and one not declared as JSON is 415.
type Problem struct {
	Type   string       `json:"type"` // "about:blank": the status says it all
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`

	retryAfter time.Duration
	cause      error
}

// FieldError is one fault of a body or of a parameter.
type FieldError struct {
	Field   string `json:"field"` // as in lines[2].quantity; empty for the body itself
	Message string `json:"message"`
}

func problem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// BadRequest is 400: the request cannot be understood.
func BadRequest(detail string) *Problem { return problem(http.StatusBadRequest, detail) }

// NotFound is 404.
func NotFound(detail string) *Problem { return problem(http.StatusNotFound, detail) }

// Conflict is 409: understood, but not in this state.
func Conflict(detail string) *Problem { return problem(http.StatusConflict, detail) }

// Invalid is 422: understood, but impossible. It names the fields at fault, if
// the fault lies in fields.
func Invalid(detail string, errors ...FieldError) *Problem {
	p := problem(http.StatusUnprocessableEntity, detail)
	p.Errors = errors
	return p
}

// Unavailable is 503: the same request may succeed after the given time, which
// is rounded up to whole seconds.
func Unavailable(detail string, retryAfter time.Duration) *Problem {
	p := problem(http.StatusServiceUnavailable, detail)
	p.retryAfter = retryAfter
	return p
}

// WithFaults adds the faults that a handler finds to the result of [Spec.Decode]. It
// adds nothing to a field that is named already, or that has a named part: the earlier
// fault comes first. detail is for a body that the document allows.
func WithFaults(decoded error, detail string, faults ...FieldError) error {
	var p *Problem
	switch {
	case decoded == nil && len(faults) > 0:
		return Invalid(detail, faults...)
	case !errors.As(decoded, &p) || p.Status != http.StatusUnprocessableEntity:
		return decoded
	}
	for _, f := range faults {
		named := slices.ContainsFunc(p.Errors, func(have FieldError) bool {
			return have.Field == f.Field || strings.HasPrefix(have.Field, f.Field+"[") || strings.HasPrefix(have.Field, f.Field+".")
		})
		if !named && len(p.Errors) < maxErrors {
			p.Errors = append(p.Errors, f)
		}
	}
	return decoded
}

// Because keeps the cause of the problem. The cause is logged once, with the answer,
// and the client never sees it.
func (p *Problem) Because(cause error) *Problem {
	p.cause = cause
	return p
}

func (p *Problem) Error() string {
	s := fmt.Sprintf("%d %s", p.Status, p.Title)
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	for _, e := range p.Errors {
		s += fmt.Sprintf("; %s %s", e.Field, e.Message)
	}
	if p.cause != nil {
		s += ": " + p.cause.Error()
	}
	return s
}

// Unwrap returns the cause; nil when none was given.
func (p *Problem) Unwrap() error { return p.cause }
