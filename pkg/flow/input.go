package flow

// Input is one thing that a participant reacts to: an event, a command, the
// result of a call, a timer. The last three never leave the service.
type Input struct {
	Kind Kind
	Name string // the event's type, or the name of the command, result or timer
	ID   string // equal for equal inputs: what makes handling one twice a duplicate
	Key  string // whose state it is about
	Body any    // what the reaction gets; nil for an event that the table does not name
}
