package flowdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
)

const generated = "<!-- Generated from the five Flow tables by `make generate`; do not edit. -->\n"

// Document is docs/flow.md.
func Document() (string, error) {
	rows := Rows()
	var b strings.Builder
	b.WriteString("# The flow\n\n" + generated + `
Nobody holds this plan. Each service declares what it reacts to and what each
reaction may emit; the kit refuses everything else at run time. This page is
the sum of those tables.

## Events

`)
	writeEvents(&b, rows)
	b.WriteString("\n## Who hears whom\n\nA row emits, a column reacts.\n\n")
	writeMatrix(&b, rows)
	b.WriteString("\n## Reactions\n\n")
	for _, s := range Services() {
		fmt.Fprintf(&b, "### %s\n\n%s\n", s, Table(s))
	}
	b.WriteString("## States\n\nHow an order's status changes at each service, and a notice's at email: every change\nthat the reactions allow, with what leads to it.\n\n")
	protocol, err := Study(Production())
	if err != nil {
		return "", err
	}
	for _, s := range Services() {
		diagram, err := protocol.States(s)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n", s, diagram)
	}
	b.WriteString("## Stories\n\nEach is played by the production reactions, without broker and databases.\n")
	for _, s := range stories() {
		diagram, err := s.draw()
		if err != nil {
			return "", fmt.Errorf("story %q: %w", s.name, err)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s", s.name, s.tells, diagram)
	}
	return b.String(), nil
}

func writeEvents(b *strings.Builder, rows []flow.Row) {
	b.WriteString("| event | owner | emitted in reaction to | heard by | undone by |\n|---|---|---|---|---|\n")
	undone := map[string]string{}
	for _, u := range Compensations() {
		undone[u.Step.EventType()] = short(u.By.EventType())
	}
	for _, e := range Emitted(rows) {
		var causes []string
		for _, r := range rows {
			if slices.ContainsFunc(r.Emits, func(x flow.Event) bool { return x.EventType() == e.EventType() }) {
				causes = append(causes, label(r))
			}
		}
		heard := strings.Join(Consumers(rows, e.EventType()), ", ")
		if heard == "" {
			heard = "nobody: it ends the story"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", short(e.EventType()), e.EventOwner(), strings.Join(causes, ", "), heard, undone[e.EventType()])
	}
}

func writeMatrix(b *strings.Builder, rows []flow.Row) {
	fmt.Fprintf(b, "| | %s |\n|---|%s\n", strings.Join(Services(), " | "), strings.Repeat("---|", len(Services())))
	for _, from := range Services() {
		fmt.Fprintf(b, "| **%s** |", from)
		for _, to := range Services() {
			var heard []string
			for _, r := range rows {
				if r.Service == to && r.Event != nil && r.Event.EventOwner() == from {
					heard = append(heard, short(r.Input))
				}
			}
			fmt.Fprintf(b, " %s |", strings.Join(heard, "<br>"))
		}
		b.WriteString("\n")
	}
}

// Table is a service's table as Markdown: docs/flow.md and the service's
// README show the same.
func Table(service string) string {
	var b strings.Builder
	b.WriteString("| reacts to | kind | emits | calls | timers |\n|---|---|---|---|---|\n")
	for _, r := range Rows() {
		if r.Service == service {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", short(r.Input), r.Kind, strings.Join(shorts(r.Emits), ", "), strings.Join(r.Calls, ", "), strings.Join(r.Timers, ", "))
		}
	}
	return b.String()
}

func label(r flow.Row) string {
	if r.Kind == flow.KindEvent {
		return short(r.Input)
	}
	if r.ResultOf != "" {
		return fmt.Sprintf("%s (result of %s)", r.Input, r.ResultOf)
	}
	return fmt.Sprintf("%s (%s)", r.Input, r.Kind)
}

const (
	begin = "<!-- flow:begin -->"
	end   = "<!-- flow:end -->"
)

// Insert puts a service's table between the markers of its README.
func Insert(readme, service string) (string, error) {
	head, rest, ok := strings.Cut(readme, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("README of %s has no %s ... %s", service, begin, end)
	}
	return head + begin + "\n" + generated + "\n" + Table(service) + "\n" + end + tail, nil
}
