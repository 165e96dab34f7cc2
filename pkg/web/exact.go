package web

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// exactness finds the faults that kin-openapi cannot. kin-openapi compares numbers as
// float64: it takes 9223372036854775808 for the greatest int64, and 1e2 for an
// integer. exactness also names unknown fields by their path, and stops at an array
// beyond its maxItems.
type exactness struct{ faults []FieldError }

// visit checks a value, and reports whether the rest of the document is worth a look.
func (x *exactness) visit(s *openapi3.Schema, v any, at string) bool {
	switch v := v.(type) {
	case json.Number: // not an integer of 64 bits
		if s.Type.Is(openapi3.TypeInteger) {
			x.add(at, "must be a whole number, in digits, of at most 64 bits")
		} else if _, err := v.Float64(); err != nil {
			x.add(at, "is out of range")
		}
	case []any:
		if !s.Type.Is(openapi3.TypeArray) {
			return true
		}
		if s.MaxItems != nil && uint64(len(v)) > *s.MaxItems {
			x.add(at, fmt.Sprintf("must have at most %d items", *s.MaxItems))
			return false
		}
		for i, item := range v {
			if !x.visit(s.Items.Value, item, element(at, i)) {
				return false
			}
		}
	case map[string]any:
		if !s.Type.Is(openapi3.TypeObject) {
			return true
		}
		return x.object(s, v, at)
	}
	return true
}

func (x *exactness) object(s *openapi3.Schema, object map[string]any, at string) bool {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names) // answers are the same for the same body
	for _, name := range names {
		property := s.Properties[name]
		if property == nil {
			x.add(field(at, name), "is unknown")
		} else if !x.visit(property.Value, object[name], field(at, name)) {
			return false
		}
	}
	return true
}

func (x *exactness) add(at, message string) {
	x.faults = append(x.faults, FieldError{readable(at), message})
}
