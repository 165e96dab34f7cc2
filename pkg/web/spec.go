package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

const jsonType = "application/json"

// Spec is a service's OpenAPI document. [Spec.Serve] enforces its description of
// parameters, and [Spec.Decode] that of bodies. A Spec is safe for concurrent use.
type Spec struct {
	yaml       []byte
	doc        *openapi3.T
	operations map[string]described // by method and path, as the routes have it
}

// described is the document's description of an operation's request.
type described struct {
	parameters []*openapi3.Parameter
	body       *openapi3.Schema // nil: it has none
	required   bool             // the body
}

// LoadSpec reads an OpenAPI 3.0 document. It refuses a document that would hide how
// the service handles a request. In a JSON body every object must say
// additionalProperties: false, and every array its maxItems. A body must not use
// allOf, anyOf, oneOf or not. LoadSpec reports all such problems at once.
func LoadSpec(yaml []byte) (*Spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(yaml)
	if err != nil {
		return nil, fmt.Errorf("load openapi document: %w", err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.0.") {
		return nil, fmt.Errorf("load openapi document: version %q, want 3.0", doc.OpenAPI)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("load openapi document: %w", err)
	}
	s := &Spec{yaml: yaml, doc: doc, operations: map[string]described{}}
	var problems []error
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			d, err := describe(item, op)
			for _, err := range err {
				problems = append(problems, fmt.Errorf("%s %s: %w", method, path, err))
			}
			s.operations[routed(method, path)] = d
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("load openapi document: %w", errors.Join(problems...))
	}
	return s, nil
}

// describe reads the description of an operation's request, and lists its gaps.
func describe(item *openapi3.PathItem, op *openapi3.Operation) (d described, problems []error) {
	for _, p := range slices.Concat(item.Parameters, op.Parameters) {
		s := p.Value.Schema
		if s == nil {
			problems = append(problems, fmt.Errorf("parameter %s has no schema", p.Value.Name))
			continue
		}
		switch integer := s.Value.Type.Is(openapi3.TypeInteger); {
		case integer && (s.Value.Min == nil || s.Value.Max == nil):
			problems = append(problems, fmt.Errorf("parameter %s lacks a minimum and a maximum", p.Value.Name))
		case !integer && !s.Value.Type.Is(openapi3.TypeString), p.Value.Required != (p.Value.In == openapi3.ParameterInPath):
			problems = append(problems, fmt.Errorf("parameter %s is not an optional text or integer", p.Value.Name))
		}
		d.parameters = append(d.parameters, p.Value)
	}
	if op.RequestBody == nil {
		return d, problems
	}
	media := op.RequestBody.Value.Content[jsonType]
	if media == nil || media.Schema == nil {
		return d, append(problems, fmt.Errorf("a body needs a schema of %s", jsonType))
	}
	for _, p := range unstrict(media.Schema.Value, "", nil) {
		problems = append(problems, errors.New(p))
	}
	d.body, d.required = media.Schema.Value, op.RequestBody.Value.Required
	return d, problems
}

// routed names an operation of the document as echo names its route.
func routed(method, path string) string {
	return method + " " + parameter.ReplaceAllString(path, ":$1")
}

// unstrict lists the places where a body's schema would accept undocumented content.
func unstrict(s *openapi3.Schema, at string, above []*openapi3.Schema) (problems []string) {
	if slices.Contains(above, s) {
		return nil // refers to itself; documents are nested no deeper than maxDepth
	}
	above = append(above, s)
	if len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) > 0 || s.Not != nil {
		problems = append(problems, fmt.Sprintf("%q is a combination of schemas", at))
	}
	switch {
	case s.Type.Is(openapi3.TypeObject):
		if has := s.AdditionalProperties.Has; has == nil || *has || s.AdditionalProperties.Schema != nil {
			problems = append(problems, fmt.Sprintf("%q lacks additionalProperties: false", at))
		}
		for name, property := range s.Properties {
			problems = append(problems, unstrict(property.Value, field(at, name), above)...)
		}
	case s.Type.Is(openapi3.TypeArray):
		if s.MaxItems == nil {
			problems = append(problems, fmt.Sprintf("%q lacks maxItems", at))
		}
		problems = append(problems, unstrict(s.Items.Value, at+"[]", above)...)
	case s.Type == nil:
		problems = append(problems, fmt.Sprintf("%q lacks a type", at))
	}
	slices.Sort(problems)
	return problems
}

// Serve answers GET /openapi.yaml with the document, and refuses requests whose
// parameters do not match it; see [ParamsOf].
func (s *Spec) Serve(e *echo.Echo) {
	e.Use(s.readParams)
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", s.yaml)
	})
}

var parameter = regexp.MustCompile(`\{([^}]+)\}`)

// CheckRoutes compares a document with the routes of the echo that serves it. It
// lists, sorted, each operation without a route and each route that is not in the
// document. The endpoints of operation, the document itself and HEAD need no mention.
// Parameters must have the same names on both sides.
func CheckRoutes(s *Spec, routes []*echo.Route) []string {
	var documented, served []string
	for path, item := range s.doc.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, routed(method, path))
		}
	}
	for _, r := range routes {
		switch r.Path {
		case "/healthz", "/readyz", "/pending", "/metrics", "/openapi.yaml":
		default:
			if r.Method != echo.RouteNotFound && r.Method != http.MethodHead {
				served = append(served, r.Method+" "+r.Path)
			}
		}
	}
	var problems []string
	for _, op := range documented {
		if !slices.Contains(served, op) {
			problems = append(problems, op+": documented, but has no route")
		}
	}
	for _, op := range served {
		if !slices.Contains(documented, op) {
			problems = append(problems, op+": has a route, but is not documented")
		}
	}
	slices.Sort(problems)
	return problems
}
