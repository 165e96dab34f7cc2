package flow

import (
	"fmt"
	"reflect"
	"slices"
)

// Event is a fact in the past tense that its owner publishes. The generated
// types of the schemas module are events.
type Event interface {
	EventType() string  // full name of its schema, and its CloudEvents type
	EventOwner() string // the one participant that emits it
	EventKey() string   // the key of its records, and of their order
}

// Topic is where an owner's events are published.
func Topic(owner string) string { return owner + ".events" }

// Participant is one service's part in a choreography: every input it reacts
// to, and every output that each reaction may have. A participant is data: the maps of
// the system are made from it, and the kit refuses an undeclared output.
type Participant[S any] struct {
	Service   string
	Reactions []Reaction[S]
	// Terminal are the emitted events that end a story: no participant need react.
	Terminal []Event
	// Compensations declare how this participant's forward steps are compensated.
	Compensations []Compensation
}

// Compensation names the event By that compensates the step that the event Step
// reports.
type Compensation struct{ Step, By Event }

// Kind is the source of an input.
type Kind string

const (
	KindEvent   Kind = "event"   // a participant's fact, from a topic
	KindCommand Kind = "command" // a request, from this service's HTTP API
	KindResult  Kind = "result"  // the outcome of an external call that this service made
	KindTimer   Kind = "timer"   // a timer of this service that ran out
)

// Reaction is one row of a participant's table.
type Reaction[S any] struct {
	kind   Kind
	input  reflect.Type
	decode func(decode func(into any) error) (any, error)
	apply  func(S, any, *Out) S
	call   string // the call whose result the input is
	declared
}

// declared lists the outputs that a reaction may have.
type declared struct {
	emits         []Event
	calls, starts []string
}

// OnEvent declares the reaction to an event.
func OnEvent[E Event, S any](react func(S, E, *Out) S) Reaction[S] {
	return reaction(KindEvent, react)
}

// OnCommand declares the reaction to a command of this service's HTTP API.
func OnCommand[C, S any](react func(S, C, *Out) S) Reaction[S] {
	return reaction(KindCommand, react)
}

// OnResult declares the reaction to the result of an external call.
func OnResult[R, S any](react func(S, R, *Out) S) Reaction[S] {
	return reaction(KindResult, react)
}

// OnTimer declares the reaction to a timer.
func OnTimer[T, S any](react func(S, T, *Out) S) Reaction[S] {
	return reaction(KindTimer, react)
}

func reaction[I, S any](kind Kind, react func(S, I, *Out) S) Reaction[S] {
	return Reaction[S]{
		kind:  kind,
		input: reflect.TypeFor[I](),
		decode: func(decode func(into any) error) (any, error) {
			var in I
			err := decode(&in)
			return in, err
		},
		apply: func(s S, in any, out *Out) S { return react(s, in.(I), out) },
	}
}

// Emits declares the events that the reaction may emit.
func (r Reaction[S]) Emits(events ...Event) Reaction[S] {
	r.emits = slices.Concat(r.emits, events)
	return r
}

// Calls declares the external calls that the reaction may ask for.
func (r Reaction[S]) Calls(calls ...any) Reaction[S] {
	r.calls = slices.Concat(r.calls, names(calls))
	return r
}

// ResultOf declares the call whose result the reaction handles.
func (r Reaction[S]) ResultOf(call any) Reaction[S] {
	r.call = Name(call)
	return r
}

// StartsTimer declares the timers that the reaction may start.
func (r Reaction[S]) StartsTimer(timers ...any) Reaction[S] {
	r.starts = slices.Concat(r.starts, names(timers))
	return r
}

// Quiet reports whether the reaction only changes the state, or stops a timer: it declares
// no output.
func (r Reaction[S]) Quiet() bool { return len(r.emits)+len(r.calls)+len(r.starts) == 0 }

// Name returns the name of v's Go type. Tables, logs and the database use it for a
// call, a result, a timer or a command.
func Name(v any) string { return reflect.TypeOf(v).Name() }

// inputName returns the name of an input in tables: an event's type, or the name of
// any other input's Go type.
func inputName(input any) string {
	if e, ok := input.(Event); ok {
		return e.EventType()
	}
	return Name(input)
}

// zero returns the zero value of the reaction's input.
func (r Reaction[S]) zero() any { return reflect.Zero(r.input).Interface() }

// Table is a participant's reactions by the name of their input.
type Table[S any] map[string]Reaction[S]

// Table checks the participant and returns its reactions by the name of their
// input. It fails when two reactions name one input, or when one declares an
// event of another participant.
func (p Participant[S]) Table() (Table[S], error) {
	t := make(Table[S], len(p.Reactions))
	for _, r := range p.Reactions {
		n := inputName(r.zero())
		if _, twice := t[n]; twice {
			return nil, fmt.Errorf("participant %s declares two reactions to %s", p.Service, n)
		}
		for _, e := range r.emits {
			if e.EventOwner() != p.Service {
				return nil, fmt.Errorf("participant %s declares to emit %s, which %s owns", p.Service, e.EventType(), e.EventOwner())
			}
		}
		t[n] = r
	}
	return t, nil
}

// Kind returns the source of the reaction's input.
func (r Reaction[S]) Kind() Kind { return r.kind }

// CallName returns the name of the call whose result the reaction handles; empty
// when it declares none.
func (r Reaction[S]) CallName() string { return r.call }

// Decode makes the reaction's input. The decoder fills in the value that its argument
// points to.
func (r Reaction[S]) Decode(decode func(into any) error) (any, error) { return r.decode(decode) }
