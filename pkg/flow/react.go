package flow

import (
	"fmt"
	"time"
)

// Outputs holds the outputs of one reaction.
type Outputs struct {
	Events  []Event
	Calls   []any
	Timers  []Started
	Stopped []string
	Reply   any
}

// Started is a timer that a reaction started.
type Started struct {
	Timer any
	After time.Duration
}

// React runs the reaction to one input and nothing else. A batch folds the same
// function; explorations and drawings of a participant use this one. id names the
// input; equal inputs have equal ids.
func (p Participant[S]) React(state S, id string, now time.Time, input any) (S, Outputs, error) {
	t, err := p.Table()
	if err != nil {
		return state, Outputs{}, err
	}
	called := inputName(input)
	r, ok := t[called]
	if !ok {
		return state, Outputs{}, fmt.Errorf("participant %s has no reaction to %s", p.Service, called)
	}
	return r.React(p.Service, state, id, now, input)
}

// React runs a reaction of a participant's [Table]. It returns the new state and
// the outputs, or the error with which the reaction refused the input. A panic
// becomes an error too, of that input alone.
func (r Reaction[S]) React(service string, state S, id string, now time.Time, body any) (next S, o Outputs, err error) {
	defer func() {
		if p := recover(); p != nil {
			next, o, err = state, Outputs{}, fmt.Errorf("reaction to %s panicked: %v", inputName(r.zero()), p)
		}
	}()
	out := Out{now: now, inputID: id, service: service, may: r.declared}
	next = r.apply(state, body, &out)
	if out.err != nil {
		return state, Outputs{}, out.err
	}
	return next, out.made, nil
}
