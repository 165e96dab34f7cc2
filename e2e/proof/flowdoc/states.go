package flowdoc

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// change is a change of status, with the inputs that lead to it.
type change struct {
	from, to string
	inputs   []string
}

// States draws how the status of an order, or of each of its notices, changes at a
// participant: every change that its local automaton has, and no other. Inputs that
// change no status are left out.
func (p *Protocol) States(service string) (string, error) {
	at := slices.IndexFunc(p.locals, func(l *local) bool { return l.service == service })
	if at < 0 {
		return "", fmt.Errorf("no participant is called %q", service)
	}
	changes := p.locals[at].changes()
	if len(changes) == 0 {
		return "", fmt.Errorf("the state of %s has no status that changes", service)
	}
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	goesOn := map[string]bool{"": true}
	for _, c := range changes {
		goesOn[c.from] = true
	}
	for _, c := range changes {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", node(c.from), node(c.to), strings.Join(c.inputs, ", "))
	}
	var ends []string
	for _, c := range changes {
		if !goesOn[c.to] && !slices.Contains(ends, c.to) {
			ends = append(ends, c.to)
			fmt.Fprintf(&b, "    %s --> [*]\n", node(c.to))
		}
	}
	b.WriteString("```\n")
	return b.String(), nil
}

// node is a status in the diagram; before the first it is the start.
func node(status string) string {
	if status == "" {
		return "[*]"
	}
	return status
}

// changes are sorted by the statuses from which and to which they lead.
func (l *local) changes() []change {
	var all []change
	for _, m := range l.moves {
		before, after := statuses(l.states[l.situations[m.from].state]), statuses(l.states[l.situations[m.to].state])
		for what, to := range after {
			from := before[what]
			if from == to {
				continue
			}
			at := slices.IndexFunc(all, func(c change) bool { return c.from == from && c.to == to })
			if at < 0 {
				at = len(all)
				all = append(all, change{from: from, to: to})
			}
			if input := short(l.row(m.input).Input); !slices.Contains(all[at].inputs, input) {
				all[at].inputs = append(all[at].inputs, input)
			}
		}
	}
	for _, c := range all {
		slices.Sort(c.inputs)
	}
	slices.SortStableFunc(all, func(a, b change) int { return strings.Compare(a.from, b.from)*2 + strings.Compare(a.to, b.to) })
	return all
}

// statuses are those in a participant's state: its own, or that of each notice, by its
// kind.
func statuses(state any) map[string]string {
	v := reflect.ValueOf(state)
	if own := v.FieldByName("Status"); own.IsValid() {
		return map[string]string{"": own.String()}
	}
	of := map[string]string{}
	if notices := v.FieldByName("Notices"); notices.IsValid() {
		for i := range notices.Len() {
			of[notices.Index(i).FieldByName("Kind").String()] = notices.Index(i).FieldByName("Status").String()
		}
	}
	return of
}
