package main

import (
	"fmt"
	"strings"

	"github.com/twmb/avro"
)

// sensitivePaths returns the JSON paths of the fields marked "personal" or "payment".
func sensitivePaths(n *avro.SchemaNode, path string) []string {
	var paths []string
	switch n.Type {
	case "record":
		for i := range n.Fields {
			f := &n.Fields[i]
			name := strings.TrimPrefix(path+"."+f.Name, ".")
			if f.Props["personal"] == true || f.Props["payment"] == true {
				paths = append(paths, name) // all of it, with its inner fields
				continue
			}
			paths = append(paths, sensitivePaths(&f.Type, name)...)
		}
	case "array":
		paths = sensitivePaths(n.Items, path+"[]")
	case "union":
		for i := range n.Branches {
			paths = append(paths, sensitivePaths(&n.Branches[i], path)...)
		}
	}
	return paths
}

// goName spells a field or symbol in Go: orderId is OrderID, out_of_stock is OutOfStock.
func goName(name string) string {
	var b strings.Builder
	for _, part := range strings.Split(name, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	switch s := b.String(); {
	case s == "Sku":
		return "SKU"
	case strings.HasSuffix(s, "Id"):
		return strings.TrimSuffix(s, "Id") + "ID"
	default:
		return s
	}
}

// typeComment begins with the Go name, as Go expects, and the name on the wire.
func typeComment(n *avro.SchemaNode, note string) string {
	return comment(fmt.Sprintf("%s is %s.%s%s. %s", n.Name, n.Namespace, n.Name, note, n.Doc))
}

// comment wraps a text into a Go comment of at most 100 columns.
func comment(text string) string {
	line, lines := "//", []string{}
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 100 && line != "//" {
			line, lines = "//", append(lines, line)
		}
		line += " " + word
	}
	return strings.Join(append(lines, line), "\n")
}
