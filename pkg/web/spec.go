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

// Spec is a service's OpenAPI document. What it says of request bodies is what
// [Spec.Decode] enforces, and what [Spec.Serve] shows. It is safe for concurrent
// use.
type Spec struct {
	yaml   []byte
	doc    *openapi3.T
	bodies map[string]body // by operationId
}

type body struct {
	schema   *openapi3.Schema
	required bool
}

// LoadSpec reads an OpenAPI 3.0 document. It refuses one that would hide what
// the service does with a body: every object in a JSON body must say
// additionalProperties: false, every array its maxItems, and allOf, anyOf, oneOf
// and not have no place there. It reports all such problems at once.
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
	s := &Spec{yaml: yaml, doc: doc, bodies: map[string]body{}}
	var problems []error
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			media := op.RequestBody.Value.Content[jsonType]
			if media == nil || media.Schema == nil || op.OperationID == "" {
				problems = append(problems, fmt.Errorf("%s %s: a body needs an operationId and a schema of %s", method, path, jsonType))
				continue
			}
			for _, p := range unstrict(media.Schema.Value, "", nil) {
				problems = append(problems, fmt.Errorf("%s: %s", op.OperationID, p))
			}
			s.bodies[op.OperationID] = body{schema: media.Schema.Value, required: op.RequestBody.Value.Required}
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("load openapi document: %w", errors.Join(problems...))
	}
	return s, nil
}

// unstrict lists where a body's schema would accept what its document does not
// say.
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

// Serve answers GET /openapi.yaml with the document.
func (s *Spec) Serve(e *echo.Echo) {
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", s.yaml)
	})
}

var parameter = regexp.MustCompile(`\{([^}]+)\}`)

// CheckRoutes holds a document against the routes of the echo that serves it. It
// lists each operation that has no route and each route that the document does
// not know, sorted; the endpoints of operation, the document itself and HEAD
// need no mention. Parameters must have the same names on both sides.
func CheckRoutes(s *Spec, routes []*echo.Route) []string {
	var documented, routed []string
	for path, item := range s.doc.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+parameter.ReplaceAllString(path, ":$1"))
		}
	}
	for _, r := range routes {
		switch r.Path {
		case "/healthz", "/readyz", "/pending", "/metrics", "/openapi.yaml":
		default:
			if r.Method != echo.RouteNotFound && r.Method != http.MethodHead {
				routed = append(routed, r.Method+" "+r.Path)
			}
		}
	}
	var problems []string
	for _, op := range documented {
		if !slices.Contains(routed, op) {
			problems = append(problems, op+": documented, but has no route")
		}
	}
	for _, op := range routed {
		if !slices.Contains(documented, op) {
			problems = append(problems, op+": has a route, but is not documented")
		}
	}
	slices.Sort(problems)
	return problems
}
