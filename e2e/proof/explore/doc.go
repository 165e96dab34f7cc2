// Package explore visits every way in which one order, or two orders, can go: every
// order of deliveries, every outcome of every call, every moment for a cancellation or
// a deadline, crashes and duplicates included. It runs the very functions that run in
// production, [order.Flow] and its four siblings, through [flow.Participant.React]. No
// second description of the services exists that could differ from them.
//
// # What is modelled
//
// A state of the exploration holds, for each order and each service:
//
//   - the service's own state of the order;
//   - its published records;
//   - the records of other services that it has handled;
//   - its open calls and timers;
//   - the attempts of calls that are still in flight;
//   - the effects at the far side that it calls.
//
// A step is one committed input, or one thing that happens outside.
//
//   - Topics. A service handles one owner's records of one order in their order. The
//     records of different owners come in any order. A record that is published late is
//     a record that every reader handles late, so publishing is no step.
//   - Commits. A reaction's state, outputs and position appear at once. A crash before
//     the commit changes nothing, and the input is delivered again; so it is no step. A
//     crash after the commit loses only the contents of memory. Records published from
//     the outbox are then late, and the calls that the new process finds open may have
//     been made. A crash step marks these calls ("recovered"). A service whose keys
//     another instance takes over behaves the same.
//   - Duplicates. The inbox holds the id, so a second delivery changes nothing; the
//     exploration counts the possible second deliveries. With a broken inbox they are
//     steps.
//   - Calls. An attempt is answered; or it certainly had no effect; or no answer comes,
//     and then the far side may receive it at any later moment, or never. At most one
//     unanswered copy of a call is in flight: at a far side that keeps its promise, a
//     second copy under the same key has no further effect. The attempts of a call may
//     be spent at any time. The call is given up if every attempt was answered or not
//     sent, else unknown, as in pkg/engine/calls.go. Void, Refund and Unbook are never
//     given up. Far sides do what deploy/sandbox does: once per key, with tombstones.
//     An unbooking that arrives decides whether the van has collected the parcel.
//   - Mail. The email service begins a mail at most once. A mail without an answer was
//     accepted, or was not. A mail that a process finds begun after a crash is recorded
//     as unknown.
//   - People. The customer places the order and may cancel at any moment, also before,
//     after and besides the deadline. A supplier may deliver. A foreign producer may
//     place the order instead of the order service. It may also publish an order a
//     second time, under another id.
//
// An end is a state with no record to handle, no call open, no timer running, and
// nothing in flight. An optional step, such as a cancellation, does not keep a state
// from being an end; a deadline that is not stopped elapses.
//
// # Every schedule ends
//
// An end that every state can reach is not yet an end that every schedule reaches.
// [AllEnd] demands the latter, and the exploration decides it in two parts.
//
// First, without the unanswered attempts no path leads back to its first state. Then a
// schedule without them has at most as many steps as the longest path, and the
// exploration computes that length. All other steps are left in: cancellations, crashes
// that find a call open, late arrivals.
//
// Second, every state that is no end has a step that comes by itself. Once the order is
// placed, this step needs no wish, no crash, and no further unanswered attempt. (A call
// that can be answered is such a step. So this part finds calls that no far side
// answers, and little else.)
//
// So an endless schedule has infinitely many unanswered attempts. Otherwise it withholds
// a step that is possible.
//
// This is more than fairness demands. A cycle is a violation even if it can go on for
// ever only while all other parties, which would end it, take no step.
//
// Why only unanswered attempts are left out: the tests compute which steps lie on
// cycles (cycles_test.go). These are the unanswered attempts of each call with a key,
// and the outcome of each such attempt, arrival or loss. Every other step leaves a
// trace in the state: a call that may have been made, a mail that was begun, a record
// that was handled. A repeated wish changes nothing.
//
// An action that changes nothing is no step here, and so is not counted: an attempt
// that certainly had no effect, a copy that the inbox absorbs, a crash before a commit
// or with nothing open, a request that is refused or repeated. Each delays a schedule.
// Infinitely many of them delay it without end.
//
// An endless schedule need not repeat a state. A repeated call has another id, derived
// from the previous one. So states that differ only
// in the ids of open calls, timers and attempts in flight count as one (rounds.go).
// Paths that grow otherwise are cut, and each cut violates the property that no service
// goes in circles. Where the property holds, no path was cut for its length, and the
// number of states is finite.
//
// The exploration also stops where a law is broken. A service that does a thing that
// must never happen does nothing after it. Inventory handles no record while the stock
// breaks its law. The consequences are unknown. So the exploration says of such states
// neither that no end can be reached from them, nor that each schedule ends.
//
// # What is assumed
//
//   - The database commits atomically and gives a reaction the state that was committed
//     last.
//   - The log keeps the records of one key in order and loses none.
//   - Ids are derived from the input's id, so equal inputs have equal ids.
//   - The far sides keep their promises.
//   - The kit does what [Kit] lists. The kit's own code is not explored here.
//
// Reactions are functions: each runs twice on the same input, at two times, and a
// difference is a violation. Two orders that differ only in the sequence of the
// progress that the customer sees count as one. No reaction reads that sequence, and
// each runs on both sequences to show it.
//
// Amounts, quantities and texts are of two kinds. An order wants one piece of one SKU,
// or it is odd ([Scope]), and alone. The exploration checks that services pass them on
// unchanged (contents.go, untrue.go). It does not check that no reaction decides by an
// amount, apart from inventory, which decides by the levels.
//
// Not explored are:
//
//   - Inputs that park: an unreadable record, or a row that the database refuses. A
//     lane that waits is a late lane, until its parked input is released.
//   - Commands of one idempotency key with different texts.
//   - Orders that no shop would accept, such as an order without lines.
//
// A broken kit, in mutants, shows at most twice per service and order. A chain of
// causes that is longer than any chain of the choreography counts as a loop. The
// exploration cuts it there and reports a violation.
//
// # Two orders
//
// Two orders together have some millions of millions of states. The exploration does
// not visit them one by one but composes them. The result is the same, for this reason:
//
// Orders meet in one place only. Four services keep one row per order, and their
// reactions see no other row. Inventory's reactions also see the levels of the stock,
// which all orders share. Take a step of one order right before or after a step of the
// other. The two can be exchanged with the same outcome, unless both are stock
// operations.
//
// First, one order is explored against a stock that may stand at any lawful level
// whenever inventory reads it. The state carries the sequence of the order's stock
// operations: for each, the levels before and the levels after. Reserve, for example,
// is either "from 1 on hand to 0 on hand, and StockReserved", or "from 0 on hand to the
// same, and StockRejected".
//
// Second, all interleavings of two such sequences are played on the one shelf. An
// operation fits when the shelf stands at one of the operation's levels before.
//
// Then two orders can be in the states a and b, and the shelf at level l, if and only
// if the sequences of a and b can be interleaved so that the shelf comes to l.
//
// If a and b are together in a world, the path to that world shows the interleaving.
// Conversely, take the interleaving, any path to a and any path to b. Cut both paths at
// the stock operations, and lay the pieces in the interleaving's order. Each piece runs
// as it did alone, since the other order changes nothing that the piece reads. Each
// stock operation meets a level that it fits. So the composition misses no state and
// invents none: it is exact.
//
// Hence:
//
//   - Two orders violate a property of one order if one of them violates it in a state
//     whose sequence fits that of some state of the other.
//   - A property of the stock is checked on the interleavings.
//   - The ends are the pairs of ends that fit.
//   - A state of both is a trap if no continuation of the interleaving reaches a pair
//     of ends, one from those that each order can reach. Each state carries the end
//     sequences that it can reach.
//   - The shortest path to a pair is as long as both paths together, as every step
//     belongs to one order.
//
// The composition rests on three conditions:
//
//   - Stores share nothing else. This holds for [flow.RowStore] by its type and for
//     inventory's store by its query.
//   - The far sides are called under keys of each order's own. This is checked: from
//     another input a reaction must make another key (machine.go).
//   - The two orders are alike but for their names.
//
// Crashes are per order there. A process that ends leaves the calls of both orders
// open; that is one crash step after the other.
//
// Two orders end, too. A schedule of both is a shuffle of one schedule of each. If the
// shuffle had no end, one of the two orders would take infinitely many steps in it. The
// schedule of that order then has infinitely many unanswered attempts. A path of both
// that leads back to its first state leads each order back to its own first state, or
// does not move it. As long as not both have ended, one of them has a step that comes
// by itself. The other order's stock levels do not prevent this step: inventory handles
// a record at every lawful level. The longest path of both is at most
// the sum of the longest paths of each whose stock operations fit. In the small scopes
// it equals that sum.
//
// TestCompositionMatchesFullTwoOrderSearch runs both searches where that is possible,
// for the production system and for broken ones. The number of states, every kind of
// end, every verdict, the length of each shortest counterexample and of the longest
// path are the same.
//
// # What is run when
//
// The tests visit scopes of up to a million states, with the race detector of up to a
// hundred thousand, and report each scope that they leave out. With -full they leave
// out none. The claims are made for the scopes of [Full]: cmd/explore explores these,
// and writes the results into docs/correctness.md.
//
// A [Mutant] is a fault that is put in on purpose. The files mutants_*.go hold them by
// the place of the fault, and mutants_make.go holds the means.
package explore
