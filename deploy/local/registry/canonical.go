package registry

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/quintet-eda/quintet/schemas/compat"
)

// canonical returns the text that identifies a schema. White space, the order of
// attributes, the qualification of a name and {"type": "string"} for "string" make no
// difference. Docs, defaults, aliases and custom attributes do, as in Confluent's
// registry. It returns a [compat.ErrSchema] when the schema is not valid Avro.
func canonical(schema string) (string, error) {
	if err := compat.Check(compat.None, schema, nil); err != nil {
		return "", err
	}
	var tree any
	if err := json.Unmarshal([]byte(schema), &tree); err != nil { // a bare name is an Avro schema, but no JSON
		tree = strings.TrimSpace(schema)
	}
	text, err := json.Marshal(plain(tree, "")) // sorts the attributes
	if err != nil {
		return "", fmt.Errorf("write canonical schema: %w", err)
	}
	return string(text), nil
}

var primitives = map[string]bool{
	"null": true, "boolean": true, "int": true, "long": true, "float": true, "double": true, "bytes": true, "string": true,
	"record": true, "error": true, "enum": true, "fixed": true, "array": true, "map": true,
}

// plain rewrites a type with every name in full. The namespace is that of the enclosing
// named type.
func plain(schema any, namespace string) any {
	switch s := schema.(type) {
	case string:
		if primitives[s] {
			return s
		}
		return qualified(s, namespace)
	case []any:
		union := make([]any, len(s))
		for i, branch := range s {
			union[i] = plain(branch, namespace)
		}
		return union
	case map[string]any:
		if len(s) == 1 && s["type"] != nil {
			return plain(s["type"], namespace)
		}
		return plainObject(s, namespace)
	}
	return schema
}

func plainObject(s map[string]any, namespace string) any {
	out := make(map[string]any, len(s))
	for key, value := range s {
		out[key] = value
	}
	if name, ok := s["name"].(string); ok {
		if own, ok := s["namespace"].(string); ok {
			namespace = own
		}
		full := qualified(name, namespace)
		namespace = full[:max(strings.LastIndexByte(full, '.'), 0)]
		out["name"] = full
		delete(out, "namespace")
	}
	out["type"] = plain(s["type"], namespace)
	for _, inner := range []string{"items", "values"} {
		if s[inner] != nil {
			out[inner] = plain(s[inner], namespace)
		}
	}
	fields, _ := s["fields"].([]any)
	if fields == nil {
		return out
	}
	list := make([]any, len(fields))
	for i, f := range fields {
		field := make(map[string]any)
		for key, value := range f.(map[string]any) { // it is an object: the schema has been parsed
			field[key] = value
		}
		field["type"] = plain(field["type"], namespace)
		list[i] = field
	}
	out["fields"] = list
	return out
}

func qualified(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}
