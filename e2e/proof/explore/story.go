package explore

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Story is a schedule that was played: each step, and the state after it.
type Story struct {
	Schedule Schedule
	Scenes   []Scene
	// Wrong are the properties that do not hold after the last step.
	Wrong []string
	// AtRest: nothing is open after the last step.
	AtRest bool
	// Cut names the parts that are not followed further after the last step, because a law
	// is broken; mostly empty.
	Cut string
	// Possible are the steps that could come next.
	Possible []string
	// Circle is the number of last scenes that lead back to their first state, with no
	// unanswered attempt among them.
	Circle int
	orders int
}

// Scene is one step of a story.
type Scene struct {
	Step  string
	Order int // the number of its order, from 1; 0: none
	// Says is the step as a sentence.
	Says string
	// Services are the statuses of the order at the five services after the step, in the
	// order of the story. Outside is the state of the outside world.
	Services []string
	Outside  string
	// Open is the open work of the order: calls, timers, attempts in flight.
	Open string

	told    told
	changed string // the new status at the step's service, if it changed
}

func (m *model) scene(name string, s step, before, after []uint32) Scene {
	if s.move == nil && s.slot >= 0 {
		t := told{who: "inventory", what: "waits: the stock is beyond its law"}
		return Scene{Step: name, Order: s.slot/services + 1, Says: sentence(t), Outside: "stock " + levelText(m.levels.values[after[len(after)-1]]), told: t}
	}
	if s.move == nil {
		t := told{who: "inventory", what: "receives a piece from a supplier", with: "customer", said: "ReceiveStock"}
		return Scene{Step: name, Says: sentence(t), Outside: "stock " + levelText(m.levels.values[after[len(after)-1]]), told: t}
	}
	k := s.slot / services
	service := s.slot % services
	was := m.view(&View{}, before[k*services:(k+1)*services]).standing()
	v := m.view(&View{}, after[k*services:(k+1)*services])
	sc := Scene{Step: name, Order: k + 1, told: s.move.told, Says: sentence(s.move.told), Services: v.standing(), Outside: v.outside() + " · stock " + levelText(m.levels.values[after[len(after)-1]]), Open: v.open()}
	if was[service] != sc.Services[service] {
		sc.changed = sc.Services[service]
	}
	return sc
}

// nothing is the status before anything has begun.
const nothing = "nothing yet"

// stands is a status, and quoted a text, for a sentence.
func stands[S ~string](s S) string {
	if s == "" {
		return nothing
	}
	return strconv.Quote(string(s))
}

func quoted[S ~string](s S) string {
	if s == "" {
		return "nothing"
	}
	return strconv.Quote(string(s))
}

func sentence(t told) string {
	s := "The " + t.who + " service"
	if !strings.HasPrefix(t.what, "'") {
		s += " "
	}
	s += t.what
	if len(t.emits) > 0 {
		s += "; it emits " + strings.Join(t.emits, " and ")
	}
	if len(t.asks) > 0 {
		s += "; it asks for " + strings.Join(t.asks, " and ")
	}
	if t.error != "" {
		s += "; that fails: " + t.error
	}
	return s + "."
}

// Violates reports whether a property does not hold after the last step.
func (s *Story) Violates(property string) bool {
	return slices.ContainsFunc(s.Wrong, func(wrong string) bool { return strings.HasPrefix(wrong, property+": ") })
}

// Print writes the story as a numbered list.
func (s *Story) Print(w io.Writer) {
	for i, sc := range s.Scenes {
		about := ""
		if s.orders > 1 && sc.Order > 0 {
			about = fmt.Sprintf("[order %d] ", sc.Order)
		}
		if s.Circle > 0 && i == len(s.Scenes)-s.Circle {
			fmt.Fprintln(w, "     From here it goes round:")
		}
		fmt.Fprintf(w, "%3d. %s%s   (%s)\n", i+1, about, sc.Says, sc.Step)
		if len(sc.Services) > 0 {
			var stand []string
			for k, how := range sc.Services {
				stand = append(stand, serviceNames[k]+" "+how)
			}
			fmt.Fprintf(w, "       %s\n", strings.Join(stand, " · "))
		}
		fmt.Fprintf(w, "       %s\n", sc.Outside)
		if sc.Open != "" {
			fmt.Fprintf(w, "       %s\n", sc.Open)
		}
	}
	for _, wrong := range s.Wrong {
		fmt.Fprintf(w, "     ! %s\n", wrong)
	}
	if s.Cut != "" {
		fmt.Fprintf(w, "     (Not followed further: %s.)\n", s.Cut)
	}
	switch {
	case s.AtRest:
		fmt.Fprintln(w, "     Nothing is open any more.")
	case len(s.Wrong) == 0:
		fmt.Fprintf(w, "     No property is violated so far. Possible next: %s\n", strings.Join(s.Possible, "; "))
	}
}

// Mermaid is the story as a sequence diagram.
func (s *Story) Mermaid() string {
	var b strings.Builder
	b.WriteString("```mermaid\nsequenceDiagram\n    actor customer\n")
	for _, name := range serviceNames {
		fmt.Fprintf(&b, "    participant %s\n", name)
	}
	b.WriteString("    participant provider\n    participant carrier\n    participant mail as mail server\n")
	for i, sc := range s.Scenes {
		if s.Circle > 0 && i == len(s.Scenes)-s.Circle {
			b.WriteString("    loop for ever\n")
		}
		t, about := sc.told, ""
		if s.orders > 1 && sc.Order > 0 {
			about = fmt.Sprintf("[%d] ", sc.Order)
		}
		with := strings.TrimSuffix(t.with, " server")
		switch {
		case t.with == "customer":
			fmt.Fprintf(&b, "    customer->>%s: %s%s\n", t.who, about, t.said)
		case t.with == "" || t.with == t.who:
			fmt.Fprintf(&b, "    Note over %s: %s%s\n", t.who, about, plainText(t.what))
		case slices.Contains(serviceNames[:], t.with):
			fmt.Fprintf(&b, "    %s-->>%s: %s%s\n", with, t.who, about, t.said)
		default:
			fmt.Fprintf(&b, "    %s->>%s: %s%s\n", t.who, with, about, t.said)
		}
		if sc.changed != "" {
			fmt.Fprintf(&b, "    Note over %s: %s%s\n", t.who, about, sc.changed)
		}
	}
	if s.Circle > 0 {
		b.WriteString("    end\n")
	}
	for _, wrong := range s.Wrong {
		fmt.Fprintf(&b, "    Note over order,email: %s\n", plainText(wrong))
	}
	b.WriteString("```\n")
	return b.String()
}

// plainText is a text without the characters that a diagram would interpret.
func plainText(s string) string {
	return strings.NewReplacer(";", ",", "#", "", "\n", " ").Replace(strings.TrimPrefix(s, "'s "))
}
