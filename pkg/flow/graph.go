package flow

import "slices"

// Row is a reaction as data, without its state's type. Graphs, documents and checks
// over several participants are made of rows.
type Row struct {
	Service  string
	Kind     Kind
	Input    string // an event's type, or the name of a command, result or timer
	Event    Event  // the input, when it is an event
	ResultOf string // the call that the input is the result of, when it is one
	Emits    []Event
	Calls    []string
	Timers   []string // the timers that it may start
}

// Rows returns the participant's table in the order in which it is written.
func (p Participant[S]) Rows() []Row {
	rows := make([]Row, len(p.Reactions))
	for i, r := range p.Reactions {
		event, _ := r.zero().(Event)
		rows[i] = Row{Service: p.Service, Kind: r.kind, Input: inputName(r.zero()), Event: event, ResultOf: r.call, Emits: r.emits, Calls: r.calls, Timers: r.starts}
	}
	return rows
}

// Topics returns the topics that the participant reads, each once, in the
// order of its table.
func (p Participant[S]) Topics() (topics []string) {
	for _, row := range p.Rows() {
		if row.Event != nil && !slices.Contains(topics, Topic(row.Event.EventOwner())) {
			topics = append(topics, Topic(row.Event.EventOwner()))
		}
	}
	return topics
}

func names(vs []any) []string {
	ns := make([]string, len(vs))
	for i, v := range vs {
		ns[i] = Name(v)
	}
	return ns
}
