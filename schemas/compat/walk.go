package compat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// walk compares two schemas by Avro's rules of schema resolution. It collects every
// place where the reader could not follow the writer.
type walk struct {
	pair           pair
	writer, reader map[string]*avro.SchemaNode // named types by full name
	seen           map[[2]string]bool          // pairs of named types compared; ends recursion
	found          []Violation
}

// tree returns a schema with its named types by full name. A type is defined where it
// is used first. Later uses only name it, by its short name within its own namespace.
// The returned root spells such names out.
func tree(schema *avro.Schema) (root *avro.SchemaNode, defined map[string]*avro.SchemaNode) {
	root, defined = schema.Root(), map[string]*avro.SchemaNode{}
	var visit func(n *avro.SchemaNode, namespace string)
	visit = func(n *avro.SchemaNode, namespace string) {
		switch {
		case n == nil:
			return
		case n.Name != "":
			name := fullName(n)
			defined[name] = n
			namespace = strings.TrimSuffix(strings.TrimSuffix(name, short(name)), ".")
		case defined[namespace+"."+n.Type] != nil:
			n.Type = namespace + "." + n.Type
		}
		for i := range n.Fields {
			visit(&n.Fields[i].Type, namespace)
		}
		for i := range n.Branches {
			visit(&n.Branches[i], namespace)
		}
		visit(n.Items, namespace)
		visit(n.Values, namespace)
	}
	visit(root, "")
	return root, defined
}

// differences compares the writer's schema with the reader's.
func differences(p pair, writer, reader *avro.Schema) []Violation {
	w := walk{pair: p, seen: map[[2]string]bool{}}
	var written, read *avro.SchemaNode
	written, w.writer = tree(writer)
	read, w.reader = tree(reader)
	w.compare(written, read, "")
	return w.found
}

func fullName(n *avro.SchemaNode) string {
	if n.Namespace == "" || strings.Contains(n.Name, ".") {
		return n.Name
	}
	return n.Namespace + "." + n.Name
}

// report adds a violation: format describes the change, and [pair.violation] completes
// it.
func (w *walk) report(field, format string, args ...any) {
	w.found = append(w.found, w.pair.violation(field, fmt.Sprintf(format, args...)))
}

// change returns writer and reader in the order of time: the old one, then the new one.
func (w *walk) change(writer, reader string) (was, became string) {
	if w.pair.forward {
		return reader, writer
	}
	return writer, reader
}

func place(field string) string {
	if field == "" {
		return "the schema"
	}
	return fmt.Sprintf("field %q", field)
}

func (w *walk) compare(writer, reader *avro.SchemaNode, field string) {
	writer, reader = resolve(writer, w.writer), resolve(reader, w.reader)
	switch {
	case writer.Type == "union":
		for i := range writer.Branches {
			w.compareBranch(&writer.Branches[i], reader, field)
		}
	case reader.Type == "union":
		w.compareBranch(writer, reader, field)
	case writer.Type == reader.Type:
		w.compareSame(writer, reader, field)
	case !promotes(writer.Type, reader.Type):
		was, became := w.change(describe(writer), describe(reader))
		w.report(field, "%s changed from %s to %s, and %s cannot be read as %s",
			place(field), was, became, describe(writer), describe(reader))
	}
}

// compareBranch finds the reader's type for one branch of the writer's union, and
// compares the two. If only the reader has a union, the branch is the writer's only
// type.
func (w *walk) compareBranch(branch, reader *avro.SchemaNode, field string) {
	branch = resolve(branch, w.writer)
	candidates := []avro.SchemaNode{*reader}
	if reader.Type == "union" {
		candidates = reader.Branches
	}
	if match := w.match(branch, candidates); match != nil {
		w.compare(branch, match, field)
		return
	}
	if w.pair.forward {
		w.report(field, "%s may now be %s, which version %d does not allow", place(field), describe(branch), w.pair.old)
		return
	}
	w.report(field, "%s may no longer be %s", place(field), describe(branch))
}

// match returns the candidate that the reader would choose. It prefers the same type by
// full name, then by short name. Last comes the first type that the branch promotes to.
func (w *walk) match(branch *avro.SchemaNode, candidates []avro.SchemaNode) *avro.SchemaNode {
	ranks := []func(r *avro.SchemaNode) bool{
		func(r *avro.SchemaNode) bool { return r.Type == branch.Type && fullName(r) == fullName(branch) },
		func(r *avro.SchemaNode) bool { return r.Type == branch.Type && sameName(branch, r) },
		func(r *avro.SchemaNode) bool { return promotes(branch.Type, r.Type) },
	}
	for _, fits := range ranks {
		for i := range candidates {
			if r := resolve(&candidates[i], w.reader); fits(r) {
				return r
			}
		}
	}
	return nil
}

func (w *walk) compareSame(writer, reader *avro.SchemaNode, field string) {
	if writer.Name != "" {
		if !sameName(writer, reader) {
			was, became := w.change(fullName(writer), fullName(reader))
			w.report(field, "%s %s was renamed to %s%s", writer.Type, was, became, where(field))
			return
		}
		names := [2]string{fullName(writer), fullName(reader)}
		if w.seen[names] {
			return
		}
		w.seen[names] = true
	}
	switch writer.Type {
	case "record":
		w.compareFields(writer, reader, field)
	case "enum":
		w.compareSymbols(writer, reader, field)
	case "array":
		w.compare(writer.Items, reader.Items, field+"[]")
	case "map":
		w.compare(writer.Values, reader.Values, field+"{}")
	default:
		if describe(writer) != describe(reader) && (writer.Type == "fixed" || writer.LogicalType == "decimal" && reader.LogicalType == "decimal") {
			was, became := w.change(describe(writer), describe(reader))
			w.report(field, "%s changed from %s to %s", place(field), was, became)
		}
	}
}

func (w *walk) compareFields(writer, reader *avro.SchemaNode, field string) {
	for i := range reader.Fields {
		rf := &reader.Fields[i]
		name := rf.Name
		if field != "" {
			name = field + "." + rf.Name
		}
		written := slices.IndexFunc(writer.Fields, func(wf avro.SchemaField) bool { return wf.Name == rf.Name })
		for a := 0; written < 0 && a < len(rf.Aliases); a++ {
			written = slices.IndexFunc(writer.Fields, func(wf avro.SchemaField) bool { return wf.Name == rf.Aliases[a] })
		}
		switch {
		case written >= 0:
			w.compare(&writer.Fields[written].Type, &rf.Type, name)
		case rf.HasDefault:
		case w.pair.forward:
			w.report(name, "field %q was removed, and version %d has no default for it", name, w.pair.old)
		default:
			w.report(name, "field %q was added without a default", name)
		}
	}
}

func (w *walk) compareSymbols(writer, reader *avro.SchemaNode, field string) {
	if reader.HasEnumDefault {
		return
	}
	for _, symbol := range writer.Symbols {
		if slices.Contains(reader.Symbols, symbol) {
			continue
		}
		if w.pair.forward {
			w.report(field, "symbol %q was added to enum %s%s, which has no default in version %d",
				symbol, fullName(writer), where(field), w.pair.old)
			continue
		}
		w.report(field, "symbol %q was removed from enum %s%s, which has no default",
			symbol, fullName(reader), where(field))
	}
}
