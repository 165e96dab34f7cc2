package explore

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Alteration is a fault that an operator makes of one reaction. Such faults are data:
// the tables and types say which reactions, outputs, fields and statuses there are.
type Alteration struct {
	Service  string
	Input    string // without its namespace
	Operator string
	Target   string // an output, a field of one ("Charge.Amount"), a field of the state, a status, or nothing

	changed *bool // set once a reaction came to something else
}

// Alterations are all that the operators make of the production's reactions.
func Alterations() []Alteration {
	var all []Alteration
	for _, r := range Production().Rows() {
		for _, o := range operators {
			for _, target := range o.targets(r) {
				all = append(all, Alteration{Service: r.Service, Input: short(r.Input), Operator: o.name, Target: target})
			}
		}
	}
	return all
}

// String is its name, such as "payment/ShipmentFailed/drop/Refund".
func (a Alteration) String() string {
	return strings.TrimSuffix(strings.Join([]string{a.Service, a.Input, a.Operator, a.Target}, "/"), "/")
}

// parseAlteration reads a name.
func parseAlteration(name string) (Alteration, error) {
	parts := strings.SplitN(name, "/", 4)
	if len(parts) < 3 {
		return Alteration{}, fmt.Errorf("read alteration %q: it is a service, an input, an operator and perhaps a target, with slashes between", name)
	}
	a := Alteration{Service: parts[0], Input: parts[1], Operator: parts[2]}
	if len(parts) == 4 {
		a.Target = parts[3]
	}
	_, err := operatorOf(a.Operator)
	return a, err
}

// mutant is the system with the fault. It is caught by a property, or there is a reason
// why nothing can be seen of it.
func (a Alteration) mutant(scope Scope, property, why string) Mutant {
	o, _ := operatorOf(a.Operator) // it was made of one
	tells := o.tells
	if strings.Contains(tells, "%s") {
		target := a.Target
		if target == "" {
			target = "none" // a status before the first
		}
		tells = fmt.Sprintf(tells, target)
	}
	return Mutant{
		Name: a.String(), Tells: fmt.Sprintf("%s, at %s: %s", a.Service, a.Input, tells), Scope: scope, Property: property, Why: why,
		Break: func(s *System) { s.altered = &a },
	}
}

// reacting is how a participant reacts: by its table, with the fault in it if that is
// one of its.
func reacting[S any](p flow.Participant[S], a *Alteration) func(S, string, time.Time, any) (S, flow.Outputs, error) {
	if a == nil || a.Service != p.Service {
		return p.React
	}
	o, err := operatorOf(a.Operator)
	return func(state S, id string, now time.Time, body any) (S, flow.Outputs, error) {
		right, rightly, refused := p.React(state, id, now, body)
		if err != nil || nameOf(body) != a.Input {
			return right, rightly, refused
		}
		given := state
		if o.before != nil {
			o.before(reflect.ValueOf(&given).Elem(), a.Target)
		}
		next, out, failed := p.React(given, id, now, body)
		if failed == nil {
			o.after(reflect.ValueOf(&state).Elem(), reflect.ValueOf(&next).Elem(), &out, a.Target)
		}
		if a.changed != nil && (fmt.Sprint(failed) != fmt.Sprint(refused) || text(next) != text(right) || text(out) != text(rightly)) {
			*a.changed = true
		}
		return next, out, failed
	}
}

// fate is what became of an alteration.
type fate struct {
	Alteration
	scope    string // in which it is caught; empty: it is caught in none
	property string
	changes  bool   // something, somewhere
	first    string // the first scope in which it changes something
}

// try explores an alteration in one small scope after the other, until it is caught.
func (a Alteration) try(ctx context.Context) (f fate, err error) {
	f = fate{Alteration: a}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("try %s: it panicked: %v", a, p)
		}
	}()
	a.changed = &f.changes
	for _, scope := range Small() {
		if scope == wide && !f.changes {
			continue // it would take seconds, and has all that others have
		}
		r, err := Explore(ctx, a.mutant(scope, "", "").System(), scope)
		if err != nil {
			return f, fmt.Errorf("try %s: %w", a, err)
		}
		if f.changes && f.first == "" {
			f.first = scope.Name
		}
		if r.Violation != nil {
			f.scope, f.property = scope.Name, r.Violation.Property
			return f, nil
		}
	}
	return f, nil
}
