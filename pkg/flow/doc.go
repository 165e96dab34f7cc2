// Package flow is the vocabulary of a choreography: what the author of a service
// writes, and the architect reads.
//
// A [Participant] is a table of reactions. Each names its input (an event of
// another participant, a command, the result of a call, a timer) and everything it
// may put out. A reaction is a pure function from a state and an input to the new
// state; [Out] takes its outputs. A [Store] keeps the states, and a [CallHandler] makes
// one kind of external call.
//
// The table is data. The maps of the system are made from it ([Participant.Rows]),
// explorations run the very functions of it ([Participant.React]), and an output
// that it does not declare is an error ([ErrUndeclared]).
//
// A whole service in one page, with its test: the example of pkg/flowtest. What runs a
// participant, and what that guarantees: pkg/engine.
package flow
