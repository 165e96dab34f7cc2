package web

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

// Params are the parameters of a request, as the client sent them. A parameter that
// the client did not send has the document's default, if that has one.
type Params map[string]string

// Int returns a parameter that the document describes as an integer.
func (p Params) Int(name string) int {
	n, _ := strconv.Atoi(p[name]) // params has checked it
	return n
}

// ParamsOf returns the parameters of the request, as [Spec.Serve] has read them.
func ParamsOf(c echo.Context) Params {
	p, _ := c.Get(paramsKey).(Params) // none: the document does not know the operation
	return p
}

const paramsKey = "quintet.params"

// readParams checks the parameters of every request against the document, before its
// handler runs.
func (s *Spec) readParams(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		of, known := s.operations[operation(c)]
		if !known {
			return next(c)
		}
		p, err := of.params(c)
		if err != nil {
			return err
		}
		c.Set(paramsKey, p)
		return next(c)
	}
}

// params reads the parameters of a request: of its query, of its headers, and of its
// path those that have a pattern. Each must match its schema in the document. params
// refuses other query parameters, repeated ones, and empty ones unless the document
// allows them. A filter that is misspelt, or was filled from an unset variable, must
// not list everything. A repeated header without a pattern is no fault, and counts as
// absent.
//
// Any fault is a 400 that names each parameter at fault.
func (d described) params(c echo.Context) (Params, error) {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, BadRequest("The query of the address cannot be read.")
	}
	found, faults := Params{}, []FieldError{}
	add := func(name, message string) { faults = append(faults, FieldError{name, message}) }
	for _, p := range d.parameters {
		var sent []string
		switch p.In {
		case openapi3.ParameterInQuery:
			sent = query[p.Name]
			delete(query, p.Name)
		case openapi3.ParameterInHeader:
			if sent = c.Request().Header.Values(p.Name); len(sent) > 1 && p.Schema.Value.Pattern == "" {
				sent = nil
			}
		case openapi3.ParameterInPath:
			if p.Schema.Value.Pattern != "" {
				sent = []string{pathText(c, c.Param(p.Name))}
			}
		}
		switch {
		case len(sent) > 1:
			add(p.Name, "is there twice")
		case len(sent) == 0 || sent[0] == "" && p.AllowEmptyValue:
			switch d := p.Schema.Value.Default.(type) {
			case string:
				found[p.Name] = d
			case float64: // as JSON has an integer
				found[p.Name] = number(d)
			}
		case sent[0] == "" && p.In == openapi3.ParameterInQuery:
			add(p.Name, "is empty")
		default:
			found[p.Name] = sent[0]
			if wrong := wrongIn(p.Schema.Value, sent[0]); wrong != "" {
				add(p.Name, wrong)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		add(strconv.QuoteToASCII(name[:min(len(name), 64)]), "is no parameter of this request")
	}
	if len(faults) > 0 {
		return nil, BadParameters(faults[:min(len(faults), maxErrors)]...)
	}
	return found, nil
}

// BadParameters is 400, and names the parameters at fault.
func BadParameters(faults ...FieldError) *Problem {
	p := BadRequest("A parameter of the request cannot be understood.")
	p.Errors = faults
	return p
}

// wrongIn returns the fault of a parameter; empty if the parameter matches its schema.
func wrongIn(s *openapi3.Schema, text string) string {
	var value any = text
	if s.Type.Is(openapi3.TypeInteger) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || s.Min != nil && float64(n) < *s.Min || s.Max != nil && float64(n) > *s.Max {
			return fmt.Sprintf("must be a number from %s to %s", number(*s.Min), number(*s.Max))
		}
		value = n
	}
	if faults := validate(s, value, nil); len(faults) > 0 {
		return faults[0].Message
	}
	return ""
}

// operation names the operation of a request as the document does. HEAD is as GET.
func operation(c echo.Context) string {
	method := c.Request().Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return method + " " + c.Path()
}

// maxID bounds the length of an id. The kit's ids are UUIDs, but another producer may
// have chosen an order's.
const maxID = 256

// pathText returns a part of the path without escapes; empty if they are malformed.
func pathText(c echo.Context, part string) string {
	if c.Request().URL.RawPath == "" { // the router matched, and cut, a path without escapes
		return part
	}
	text, err := url.PathUnescape(part)
	if err != nil {
		return ""
	}
	return text
}

// ByID passes the id in a path's only parameter to next, without escapes. It answers an
// impossible id with 404 and nobody as the detail. Such an id must not become a key:
// some databases fail on such a text.
func ByID(nobody string, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := pathText(c, c.ParamValues()[0])
		if id == "" || len(id) > maxID || !utf8.ValidString(id) || strings.Contains(id, "\x00") {
			return NotFound(nobody)
		}
		c.SetParamValues(id)
		return next(c)
	}
}

// Cursor encodes a place in a listing for clients, opaque and safe in a URL. at holds
// the values by which the last row is sorted.
func Cursor(at ...any) string {
	text, err := json.Marshal(at)
	if err != nil {
		panic(err) // numbers and texts always marshal
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// ReadCursor decodes a parameter that is a cursor into the values of the [Cursor]. A
// text that is no cursor of the listing is a 400.
func (p Params) ReadCursor(name string, at ...any) error {
	parts := make([]json.RawMessage, 0, len(at))
	text, err := base64.RawURLEncoding.DecodeString(p[name])
	if err == nil {
		err = json.Unmarshal(text, &parts)
	}
	if err == nil && len(parts) != len(at) {
		err = fmt.Errorf("it has %d parts", len(parts))
	}
	for i := 0; err == nil && i < len(at); i++ {
		if string(parts[i]) == "null" { // Unmarshal would leave the value alone
			err = errors.New("a part is null")
		} else {
			err = json.Unmarshal(parts[i], at[i])
		}
	}
	if err != nil {
		return BadParameters(FieldError{name, "is not a cursor of this listing"})
	}
	return nil
}

// Page cuts a listing that was read with one row more than a page has. next is the
// cursor of the page after it; empty on the last page.
func Page[R any](rows []R, limit int, cursor func(R) string) (page []R, next string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], cursor(rows[limit-1])
}
