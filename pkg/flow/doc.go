// Package flow is the vocabulary of a choreography. The author of a service writes
// it, and the architect reads it.
//
// A [Participant] is a table of reactions. Each names its input and every output that
// it may have. An input is an event of another participant, a command, the result of a
// call, or a timer. A reaction is a pure function from a state and an input to the new
// state; [Out] collects its outputs. A [Store] keeps the states, and a [CallHandler]
// makes one kind of external call.
//
// The table is data. The maps of the system are made from it ([Participant.Rows]), and
// explorations run the very functions of it ([Participant.React]). An output that it
// does not declare is an error ([ErrUndeclared]).
//
// The example of pkg/flowtest is a whole service in one page, with its test. Package
// pkg/engine runs a participant, and documents its guarantees.
package flow
