package explore

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Result holds the findings of an exploration.
type Result struct {
	Scope  Scope
	States int
	// Steps counts the explored steps; in a composition, those of the one order.
	Steps int
	// Copies are the deliveries, over all states, of records that were taken
	// before: the inbox absorbs them, so they lead nowhere.
	Copies int
	Ends   int
	Kinds  []Kind
	// Longest is the most steps that a schedule takes after its last unanswered attempt; 0
	// unless AllEnd is known to hold.
	Longest int
	// Verdicts are in the order of Properties, with NoTrap and AllEnd last.
	Verdicts []Verdict
	// Violation is the first that was found; nil when every property holds. No
	// schedule violates anything in fewer steps.
	Violation *Violation
	Took      time.Duration
	Memory    uint64 // bytes that the process has from the system

	graph *graph
}

// Kind is ends that differ only in how they were reached, and in mails.
type Kind struct {
	Name string
	Ends int
}

// Verdict says whether a property holds in a scope.
type Verdict struct {
	Property string
	// Known is false when a violation ended the exploration before the property was
	// decided. It is also false when violating states are not followed further, and the
	// property is about their consequences.
	Known     bool
	Violation *Violation // nil: it holds, if it is known
}

// Violation is a property that does not hold, and the shortest way there.
type Violation struct {
	Property string
	What     string
	Schedule Schedule
	States   int // that had been reached when it was found
}

func (v *Violation) String() string {
	return fmt.Sprintf("%s: %s, after %s", v.Property, v.What, counted(len(v.Schedule.Steps), "step"))
}

// Schedule is a way through a scope, step by step.
type Schedule struct {
	Scope string
	Steps []string
}

// String is the schedule as Parse reads it.
func (s Schedule) String() string { return s.Scope + ":" + strings.Join(s.Steps, ";") }

// ParseSchedule reads a schedule.
func ParseSchedule(text string) (Schedule, error) {
	scope, steps, ok := strings.Cut(text, ":")
	if !ok || strings.TrimSpace(scope) == "" {
		return Schedule{}, fmt.Errorf("read schedule %.40q: it begins with the name of a scope and a colon", text)
	}
	s := Schedule{Scope: strings.TrimSpace(scope)}
	for name := range strings.SplitSeq(steps, ";") {
		if name = strings.TrimSpace(name); name != "" {
			s.Steps = append(s.Steps, name)
		}
	}
	return s, nil
}

// Explore visits every state of a system in a scope and checks every property in it. It
// ends with the first violation, unless the scope asks for the whole. A violation is no
// error. Explore returns an error when ctx ends first, or one that wraps ErrTooLarge.
func Explore(ctx context.Context, sys System, scope Scope) (*Result, error) {
	began := time.Now()
	explore := plain
	if scope.Composed {
		explore = composed
	}
	r, err := explore(ctx, sys, scope)
	if err != nil {
		return nil, err
	}
	r.Took = time.Since(began)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	r.Memory = memory.Sys
	for _, v := range r.Verdicts {
		if v.Violation != nil && (r.Violation == nil || len(v.Violation.Schedule.Steps) < len(r.Violation.Schedule.Steps)) {
			r.Violation = v.Violation
		}
	}
	return r, nil
}

// plain visits every world of a scope.
func plain(ctx context.Context, sys System, scope Scope) (*Result, error) {
	m := newModel(sys, scope)
	g := newGraph(m)
	r := &Result{Scope: scope, graph: g}
	properties := Properties()
	found := make([]*Violation, len(properties), len(properties)+2)
	kinds := map[string]int{}
	views := make([]View, scope.Orders)
	stopped := false
	err := g.explore(ctx, func(n int, v []uint32, steps []step) bool {
		for i, what := range m.check(properties, views, v, steps, g.rest[n]) {
			if what != "" && found[i] == nil {
				found[i] = &Violation{Property: properties[i].Name, What: what, Schedule: Schedule{scope.Name, g.schedule(n)}, States: g.len()}
				stopped = !scope.Whole
			}
		}
		if g.rest[n] {
			kinds[kindOf(views)]++
		}
		return !stopped
	})
	if err != nil {
		return nil, err
	}
	var trap *Violation
	if !stopped {
		trap = g.trap()
	}
	endless, longest := g.endless() // a cycle is one however much is not visited
	found = append(found, trap, endless)
	r.States, r.Steps, r.Copies = g.len(), g.steps, g.copies
	r.conclude(found, stopped, stopped || g.anyCut(), longest, kinds)
	return r, nil
}

// conclude turns the findings into verdicts. Where a world was cut, the two properties
// about the whole graph are known only if they are violated. The length of the longest
// schedule is known only if each schedule ends.
func (r *Result) conclude(found []*Violation, stopped, cut bool, longest int, kinds map[string]int) {
	for i, name := range Names() {
		decided := !stopped && (!cut || name != NoTrap && name != AllEnd)
		v := Verdict{Property: name, Known: decided || found[i] != nil, Violation: found[i]}
		if name == AllEnd && v.Known && v.Violation == nil {
			r.Longest = longest
		}
		r.Verdicts = append(r.Verdicts, v)
	}
	for name, n := range kinds {
		r.Kinds = append(r.Kinds, Kind{name, n})
		r.Ends += n
	}
	slices.SortFunc(r.Kinds, byEnds)
}

// byEnds orders kinds, the most frequent first.
func byEnds(a, b Kind) int {
	return cmp.Or(cmp.Compare(b.Ends, a.Ends), strings.Compare(a.Name, b.Name))
}

// kindOf names an end by the outcome of each order.
func kindOf(views []View) string {
	names := make([]string, len(views))
	for k := range views {
		names[k] = views[k].kind()
	}
	slices.Sort(names)
	return strings.Join(names, " + ")
}

func (v *View) kind() string {
	name := cmp.Or(string(v.Order.Status), "unknown")
	if v.Order.Reason != "" {
		name += " (" + string(v.Order.Reason) + ")"
	}
	var taken int64
	for i := range v.Provider {
		taken += v.Provider[i].Captured
	}
	money := "no money taken"
	if held := v.held(); held != 0 {
		money = fmt.Sprintf("%d held", held)
	} else if taken > 0 {
		money = "money given back"
	}
	return fmt.Sprintf("%s, stock %s, payment %s, shipment %s, %s",
		name, cmp.Or(string(v.Reservation.Status), "unknown"), cmp.Or(string(v.Payment.Status), "waiting"), cmp.Or(string(v.Shipment.Status), "waiting"), money)
}
