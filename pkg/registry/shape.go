package registry

import (
	"encoding/json"
	"errors"
	"fmt"
)

// shape is the part of a schema that decides where a datum's values begin and end.
type shape struct {
	kind     string
	children []*shape // a record's fields, a union's branches, the one element of an array or a map
	size     int      // bytes of a fixed, symbols of an enum
}

// newShape reads a parsing canonical form. In it a name is always full, the first use
// of a type defines it, and every attribute shapes bytes.
func newShape(canonical []byte) (*shape, error) {
	var schema any
	if err := json.Unmarshal(canonical, &schema); err != nil {
		return nil, fmt.Errorf("read canonical form: %w", err)
	}
	return buildShape(schema, map[string]*shape{})
}

func buildShape(schema any, named map[string]*shape) (*shape, error) {
	switch schema := schema.(type) {
	case string:
		if s := named[schema]; s != nil {
			return s, nil
		}
		return &shape{kind: schema}, nil
	case []any:
		s := &shape{kind: "union"}
		return s, s.add(named, schema...)
	case map[string]any:
		s := &shape{}
		s.kind, _ = schema["type"].(string)
		if name, _ := schema["name"].(string); name != "" {
			named[name] = s // before its fields, which may refer back to it
		}
		switch s.kind {
		case "record":
			fields, _ := schema["fields"].([]any)
			for _, f := range fields {
				field, _ := f.(map[string]any)
				if err := s.add(named, field["type"]); err != nil {
					return nil, err
				}
			}
		case "array":
			return s, s.add(named, schema["items"])
		case "map":
			return s, s.add(named, schema["values"])
		case "enum":
			symbols, _ := schema["symbols"].([]any)
			s.size = len(symbols)
		case "fixed":
			size, _ := schema["size"].(float64)
			s.size = int(size)
		}
		return s, nil
	}
	return nil, errors.New("read canonical form: not a schema")
}

func (s *shape) add(named map[string]*shape, schemas ...any) error {
	for _, schema := range schemas {
		child, err := buildShape(schema, named)
		if err != nil {
			return err
		}
		s.children = append(s.children, child)
	}
	return nil
}
