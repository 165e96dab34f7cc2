package flow

import "reflect"

// Row is a reaction as data, without its state's type: what graphs, documents
// and checks over several participants are made of.
type Row struct {
	Service string
	Kind    Kind
	Input   string  // an event's type, or the name of a command, result or timer
	Event   Event   // the input, when it is an event
	Call    string  // the call that the input is the result of, when it is one
	Emits   []Event //
	Does    []string
	Starts  []string
}

// Rows returns the participant's table in the order in which it is written.
func (p Participant[S]) Rows() []Row {
	rows := make([]Row, len(p.Reactions))
	for i, r := range p.Reactions {
		rows[i] = Row{Service: p.Service, Kind: r.kind, Input: r.inputName(), Event: r.event(), Call: r.CallName(), Emits: r.emits, Does: names(r.does), Starts: names(r.starts)}
	}
	return rows
}

// Topics returns the topics that the participant reads, each once, in the
// order of its table.
func (p Participant[S]) Topics() []string {
	var topics []string
	seen := map[string]bool{}
	for _, r := range p.Reactions {
		if e := r.event(); e != nil && !seen[e.EventOwner()] {
			seen[e.EventOwner()] = true
			topics = append(topics, Topic(e.EventOwner()))
		}
	}
	return topics
}

// event is the input, when it is an event of a participant.
func (r Reaction[S]) event() Event {
	e, _ := reflect.Zero(r.input).Interface().(Event)
	return e
}

func names(vs []any) []string {
	ns := make([]string, len(vs))
	for i, v := range vs {
		ns[i] = Name(v)
	}
	return ns
}
