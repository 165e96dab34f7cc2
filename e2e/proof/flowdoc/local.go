package flowdoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// local is the local automaton of one participant: every situation that it can reach.
// The others may publish any event that the contract allows, at any time, but each
// event once per order. The outside world may answer a call in every declared way.
//
// No other participant is played: their real events, and the times of these, can only
// leave situations out. Two facts from the automata of the others do leave some out. Of
// two events that their owner never emits both, one comes. And no event comes before
// those that it follows.
type local struct {
	part
	place  map[string]int // of an event with a consumer, in the protocol's list
	apart  []set          // by event: the events of its owner that never come with it
	needs  []set          // by event: the events without which it never comes
	hears  set
	owns   set
	inputs []input
	byRow  [][]int // inputs of a row; for results, of all calls
	calls  []call

	states     []any
	stateOf    map[string]int
	steps      map[[2]int]*step
	situations []situation
	known      map[situation]int
	moves      []move
}

// situation is a state of the participant with what surrounds it.
type situation struct {
	state   int
	had     set // events and commands that came
	emitted set // events with a consumer
	calls   set // open
	timers  set // running
}

type input struct {
	row  int
	bit  int // in had or timers; -1 for a result
	body any
}

type call struct {
	body    any
	results []int // inputs
}

// step is what a reaction does in a state.
type step struct {
	state         int
	events, again set // emitted; emitted more than once
	calls         set
	starts, stops set
	says          bool // an event, a call or a timer was put out
	refused       error
}

type move struct{ from, to, input int }

// most is more situations than a participant of a choreography for people has.
const most = 50_000

var errEndless = errors.New("does not come to rest: a state that grows with every input, or a loop that counts up")

func (l *local) row(in int) flow.Row { return l.rows[l.inputs[in].row] }

// close finds all situations.
func (l *local) close() error {
	if err := l.prepare(); err != nil {
		return err
	}
	start, err := l.intern(l.start)
	if err != nil {
		return err
	}
	l.enter(situation{state: start})
	l.foreignStart(start)
	for at := 0; at < len(l.situations); at++ {
		if at > most {
			return fmt.Errorf("%s: %w", l.service, errEndless)
		}
		for _, in := range l.possible(l.situations[at]) {
			if err := l.take(at, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// foreignStart is the start of an order that another producer places.
func (l *local) foreignStart(start int) {
	for i, r := range l.rows {
		if r.Kind == flow.KindCommand && r.Input == l.foreign {
			s := situation{state: start, had: set(0).with(l.inputs[l.byRow[i][0]].bit)}
			for _, e := range r.Emits {
				if bit, heard := l.place[e.EventType()]; heard {
					s.emitted = s.emitted.with(bit)
				}
			}
			l.enter(s)
		}
	}
}

// prepare makes the inputs that do not depend on a call.
func (l *local) prepare() error {
	l.stateOf, l.steps, l.known = map[string]int{}, map[[2]int]*step{}, map[situation]int{}
	l.byRow = make([][]int, len(l.rows))
	free := len(l.place)
	for i, r := range l.rows {
		var made []any
		bit := free
		switch r.Kind {
		case flow.KindEvent:
			var err error
			if made, err = bodies(r.Event); err != nil {
				return err
			}
			bit = l.place[r.Input]
			l.hears = l.hears.with(bit)
		case flow.KindCommand:
			at := slices.IndexFunc(commands, func(c any) bool { return reflect.TypeOf(c).Name() == r.Input })
			if at < 0 {
				return fmt.Errorf("nothing is known of the command %s", r.Input)
			}
			made = commands[at : at+1]
			free++
		case flow.KindTimer:
			free++ // its body comes with its start
			l.byRow[i] = []int{len(l.inputs)}
			l.inputs = append(l.inputs, input{row: i, bit: bit})
		}
		for _, body := range made {
			l.byRow[i] = append(l.byRow[i], len(l.inputs))
			l.inputs = append(l.inputs, input{row: i, bit: bit, body: body})
		}
	}
	return nil
}

// possible are the inputs that can come in a situation: an event or a command that did
// not come yet, the end of a running timer, every result of an open call. An event
// comes only after the participant's own events that it needs.
func (l *local) possible(s situation) []int {
	var ins []int
	for i, r := range l.rows {
		if len(l.byRow[i]) == 0 || r.Kind == flow.KindResult {
			continue
		}
		bit := l.inputs[l.byRow[i][0]].bit
		switch {
		case r.Kind == flow.KindTimer && !s.timers.has(bit):
		case s.had.has(bit) && r.Kind != flow.KindTimer:
		case r.Kind == flow.KindEvent && (s.had&l.apart[bit] != 0 || !s.emitted.holds(l.needs[bit]&l.owns)):
		default:
			ins = append(ins, l.byRow[i]...)
		}
	}
	for _, c := range s.calls.each() {
		ins = append(ins, l.calls[c].results...)
	}
	return ins
}

func (l *local) take(at, in int) error {
	s := l.situations[at]
	st, err := l.step(s.state, in)
	if err != nil {
		return err
	}
	to := at // a refused input has no effect, and waits
	if st.refused == nil {
		next := s
		switch l.row(in).Kind {
		case flow.KindResult:
			next.calls = next.calls.without(l.answered(s, in))
		case flow.KindTimer:
			next.timers = next.timers.without(l.inputs[in].bit)
		default:
			next.had = next.had.with(l.inputs[in].bit)
		}
		next.state, next.emitted, next.calls = st.state, next.emitted|st.events, next.calls|st.calls
		next.timers = next.timers&^st.stops | st.starts
		to = l.enter(next)
	}
	l.moves = append(l.moves, move{at, to, in})
	return nil
}

// answered is the open call that an input is the result of.
func (l *local) answered(s situation, in int) int {
	for _, c := range s.calls.each() {
		if slices.Contains(l.calls[c].results, in) {
			return c
		}
	}
	return -1
}

func (l *local) enter(s situation) int {
	at, ok := l.known[s]
	if !ok {
		at = len(l.situations)
		l.known[s] = at
		l.situations = append(l.situations, s)
	}
	return at
}

func (l *local) intern(state any) (int, error) {
	text, err := json.Marshal(state)
	if err != nil {
		return 0, fmt.Errorf("tell states of %s apart: %w", l.service, err)
	}
	at, ok := l.stateOf[string(text)]
	if !ok {
		at = len(l.states)
		l.stateOf[string(text)] = at
		l.states = append(l.states, state)
	}
	return at, nil
}
