package flow

// Input is one thing that a participant reacts to: an event, a command, the
// result of a call, a timer. The last three never leave the service.
type Input struct {
	Kind Kind
	Name string // the event's type, or the name of the command, result or timer
	ID   string // equal for equal inputs, so a second handling is a duplicate
	Key  string // the key of the state that it is about
	Body any    // the reaction's argument; nil for an event that the table does not name
}
