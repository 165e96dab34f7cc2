package flowdoc

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// step runs a reaction, once for a state and an input.
func (l *local) step(state, in int) (*step, error) {
	if s, ok := l.steps[[2]int{state, in}]; ok {
		return s, nil
	}
	// Equal inputs have equal ids, and one of each kind comes.
	next, out, err := l.react(l.states[state], l.row(in).Input, l.inputs[in].body)
	s := &step{state: state, refused: err}
	if err == nil {
		s, err = l.outputs(next, out)
		if err != nil {
			return nil, err
		}
	}
	l.steps[[2]int{state, in}] = s
	return s, nil
}

func (l *local) outputs(next any, out flow.Outputs) (*step, error) {
	at, err := l.intern(next)
	if err != nil {
		return nil, err
	}
	s := &step{state: at, says: len(out.Events)+len(out.Calls)+len(out.Timers) > 0}
	for _, e := range out.Events {
		bit, heard := l.place[e.EventType()]
		if !heard {
			continue
		}
		if s.events.has(bit) {
			s.again = s.again.with(bit)
		}
		s.events = s.events.with(bit)
	}
	for _, c := range out.Calls {
		bit, err := l.asked(c)
		if err != nil {
			return nil, err
		}
		s.calls = s.calls.with(bit)
	}
	for _, t := range out.Timers {
		if in := l.timer(reflect.TypeOf(t.Timer).Name()); in >= 0 {
			l.inputs[in].body = t.Timer
			s.starts = s.starts.with(l.inputs[in].bit)
		}
	}
	for _, name := range out.Stopped {
		if in := l.timer(name); in >= 0 {
			s.stops = s.stops.with(l.inputs[in].bit)
		}
	}
	return s, nil
}

// asked is the place of a call, with its results as inputs.
func (l *local) asked(body any) (int, error) {
	at := slices.IndexFunc(l.calls, func(c call) bool { return reflect.DeepEqual(c.body, body) })
	if at >= 0 {
		return at, nil
	}
	made, err := results(body)
	if err != nil {
		return 0, err
	}
	c := call{body: body}
	for i, r := range l.rows {
		if r.ResultOf != c.name() {
			continue
		}
		for _, result := range made {
			c.results = append(c.results, len(l.inputs))
			l.inputs = append(l.inputs, input{row: i, bit: -1, body: result})
		}
	}
	l.calls = append(l.calls, c)
	if len(l.calls) > 64 {
		return 0, fmt.Errorf("%s: %w", l.service, errEndless)
	}
	return len(l.calls) - 1, nil
}

func (c call) name() string { return reflect.TypeOf(c.body).Name() }

// timer is the input of a timer's end, or -1 if the participant has no reaction to it.
func (l *local) timer(name string) int {
	for i, r := range l.rows {
		if r.Kind == flow.KindTimer && r.Input == name {
			return l.byRow[i][0]
		}
	}
	return -1
}
