package compat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// resolve follows a reference to a named type.
func resolve(n *avro.SchemaNode, defined map[string]*avro.SchemaNode) *avro.SchemaNode {
	if d, ok := defined[n.Type]; ok {
		return d
	}
	return n
}

// sameName reports whether the reader takes the writer's type for its own. Avro
// compares short names, or the reader's aliases: a type may move to another namespace.
func sameName(writer, reader *avro.SchemaNode) bool {
	return short(fullName(writer)) == short(fullName(reader)) ||
		slices.ContainsFunc(reader.Aliases, func(alias string) bool {
			if strings.Contains(alias, ".") {
				return alias == fullName(writer)
			}
			return alias == short(fullName(writer))
		})
}

func short(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// promotes reports whether Avro reads a writer's type as another, wider one.
func promotes(writer, reader string) bool {
	switch writer {
	case "int":
		return reader == "long" || reader == "float" || reader == "double"
	case "long":
		return reader == "float" || reader == "double"
	case "float":
		return reader == "double"
	case "string":
		return reader == "bytes"
	case "bytes":
		return reader == "string"
	}
	return false
}

// describe names a type as an author would.
func describe(n *avro.SchemaNode) string {
	switch {
	case n.LogicalType == "decimal":
		return fmt.Sprintf("decimal(%d,%d)", n.Precision, n.Scale)
	case n.Type == "fixed":
		return fmt.Sprintf("fixed %s of %d bytes", fullName(n), n.Size)
	case n.Name != "":
		return n.Type + " " + fullName(n)
	case n.Type == "union":
		branches := make([]string, len(n.Branches))
		for i := range n.Branches {
			branches[i] = describe(&n.Branches[i])
		}
		return "union of " + strings.Join(branches, " and ")
	}
	return n.Type
}

// where adds the field that a named type is used in.
func where(field string) string {
	if field == "" {
		return ""
	}
	return fmt.Sprintf(" (field %q)", field)
}
