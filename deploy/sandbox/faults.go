package sandbox

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// The dependencies for which a fault can be set.
const (
	provider = "payment"
	carrier  = "carrier"
	mailbox  = "mail"
)

// The kinds of fault. The first three strike before the call is processed, so nothing
// has happened. The last strikes after the call is processed, and the caller cannot
// know.
const (
	refuse = "refuse"  // the connection is closed without an answer (mail: 421 instead of a greeting)
	fail   = "error"   // 503 (mail: 451)
	slow   = "latency" // waits, then continues as usual, whether the caller still waits or not
	lose   = "lost"    // processes the call and never answers
)

// fault makes a share of the calls to a dependency go wrong.
type fault struct {
	Dependency string     `json:"dependency"`
	Kind       string     `json:"kind"`
	Rate       float64    `json:"rate"`
	Latency    string     `json:"latency,omitempty"`
	Until      *time.Time `json:"until,omitempty"` // nil: until lifted

	delay time.Duration
}

// misfortune is the effect of the faults in force on one call.
type misfortune struct {
	delay              time.Duration
	refuse, fail, lost bool
}

// faults are kept in memory: a restart of the sandbox lifts them.
type faults struct {
	mu     sync.Mutex
	active []fault
}

// set puts f in force; it replaces a fault of the same kind for the same dependency.
func (f *faults) set(next fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(old fault) bool {
		return old.Dependency == next.Dependency && old.Kind == next.Kind
	})
	f.active = append(f.active, next)
}

// lift removes the faults of dependency, or all when it is empty.
func (f *faults) lift(dependency string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(old fault) bool {
		return dependency == "" || old.Dependency == dependency
	})
}

// list returns the faults in force, oldest first.
func (f *faults) list() []fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	return append([]fault{}, f.active...)
}

// draw decides the fate of one call, each kind of fault by its own rate.
func (f *faults) draw(dependency string) misfortune {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	var m misfortune
	for _, a := range f.active {
		if a.Dependency != dependency || rand.Float64() >= a.Rate {
			continue
		}
		switch a.Kind {
		case refuse:
			m.refuse = true
		case fail:
			m.fail = true
		case slow:
			m.delay = a.delay
		case lose:
			m.lost = true
		}
	}
	return m
}

func (f *faults) expire() {
	now := time.Now()
	f.active = slices.DeleteFunc(f.active, func(old fault) bool {
		return old.Until != nil && !now.Before(*old.Until)
	})
}

// parseFault reads the body of POST /faults. It reads the fields one by one, so that
// the answer to a bad body names all its errors.
func parseFault(body []byte) (fault, []badField) {
	f := fault{Rate: 1}
	form := form{}
	if err := json.Unmarshal(body, &form.fields); err != nil {
		return f, []badField{{"body", "must be a JSON object"}}
	}
	form.read("dependency", &f.Dependency)
	form.oneOf("dependency", f.Dependency, provider, carrier, mailbox)
	form.read("kind", &f.Kind)
	form.oneOf("kind", f.Kind, refuse, fail, slow, lose)
	if form.read("rate", &f.Rate); f.Rate < 0 || f.Rate > 1 {
		form.refuse("rate", "must be between 0 and 1")
	}
	if lasts := form.duration("for"); lasts > 0 {
		until := time.Now().Add(lasts)
		f.Until = &until
	}
	_, given := form.fields["latency"]
	f.delay = form.duration("latency")
	switch {
	case f.Kind == slow && !given:
		form.refuse("latency", `is missing: kind "latency" needs a duration such as "500ms"`)
	case f.Kind != slow && given:
		form.refuse("latency", `goes with kind "latency" only`)
	case f.Kind == slow:
		f.Latency = f.delay.String()
	}
	for name := range form.fields {
		form.refuse(name, "is not a field of a fault")
	}
	return f, form.bad
}

// form hands out the fields of a JSON object once each and collects their errors. A
// field that is left at the end is unknown.
type form struct {
	fields map[string]json.RawMessage
	bad    []badField
}

func (f *form) refuse(name, why string) {
	if !slices.ContainsFunc(f.bad, func(b badField) bool { return b.Field == name }) {
		f.bad = append(f.bad, badField{name, why})
	}
}

func (f *form) read(name string, into any) {
	raw, given := f.fields[name]
	delete(f.fields, name)
	if given && json.Unmarshal(raw, into) != nil {
		f.refuse(name, fmt.Sprintf("has the wrong type: %.40s", raw))
	}
}

func (f *form) oneOf(name, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		f.refuse(name, "must be one of "+strings.Join(allowed, ", "))
	}
}

// duration returns 0 when the field is absent.
func (f *form) duration(name string) time.Duration {
	if _, given := f.fields[name]; !given {
		return 0
	}
	var text string
	f.read(name, &text)
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		f.refuse(name, `must be a duration above zero such as "500ms" or "10s"`)
	}
	return d
}
