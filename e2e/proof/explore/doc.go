// Package explore visits every way in which an order, or two of them, can go:
// every order of deliveries, every outcome of every call, every moment for a
// cancellation or a deadline, crashes and duplicates included. It runs the very
// functions that run in production, [order.Flow] and its four siblings, through
// [flow.Participant.React]; there is no second description of the services that
// could differ from them.
//
// # What is modelled
//
// A state of the exploration is, for each order and each service: what the
// service keeps of the order, what it has published, which records of the
// others it has taken, its open calls and timers, which attempts of calls are
// still on their way, and what the far side that it calls has done. A step is
// one committed input, or one thing that happens outside.
//
//   - Topics. One owner's records of one order are taken in their order; between
//     owners any order goes. That a record is published late is the same as that
//     everybody takes it late, so publishing is no step.
//   - Commits. A reaction's state, outputs and position appear at once. A crash
//     before the commit changes nothing, and the input comes again, so that it is
//     no step. A crash after it loses what is in memory only: what is published
//     from the outbox is late, and the calls that are found open may have been
//     made, which is what a crash step does ("recovered"). A service whose keys
//     another instance takes over behaves the same.
//   - Duplicates. The inbox knows the id, so a second delivery leads nowhere; how
//     many there can be is counted. With a broken inbox they are steps.
//   - Calls. An attempt is answered; or it certainly had no effect; or no answer
//     comes, and then the far side may receive it at any later moment, or never.
//     Of one call at most one copy is under way: a second one of the same key
//     does nothing more at a far side that keeps its promise. That the attempts
//     are spent may be found at any time: given up if every attempt was answered
//     or not sent, else unknown, as in pkg/engine/calls.go. Void, Refund and Unbook
//     are never given up. Far sides do what deploy/sandbox does: once per key, with
//     tombstones. The van that collects a parcel is decided when somebody asks.
//   - Mail. Begun at most once. One without an answer was accepted, or was not;
//     found begun after a crash it is recorded as unknown.
//   - People. The customer places the order and may cancel at any moment, also
//     before, after and besides the deadline. A supplier may deliver. A foreign
//     producer may place the order instead of the order service, and may publish
//     an order a second time, under another id.
//
// An end is a state in which no record is to be taken, no call open, no timer
// running, and nothing on its way. Steps that need not happen, such as a
// cancellation, are not waited for; a deadline that is not stopped elapses.
//
// # Every schedule ends
//
// That an end can be reached from every state is not yet that it is reached.
// [AllEnd] says so, and is decided in two parts. First, without the unanswered
// attempts no way leads back to where it began: then it can only go on
// for as long as its longest way is, which is counted. All other steps are left
// in: cancellations, crashes that find a call open, late arrivals. Second, in
// every state that is no end some step comes by itself; once the order is placed
// it takes no wish, no crash, and no further unanswered attempt. (A call that can
// be answered is such a step, so this finds calls that nobody answers, and little else.) So a schedule that has
// no end either has infinitely many unanswered attempts, or does for
// ever nothing of what is there to be done.
//
// This is more than fairness asks. A way round is a violation also if it can be
// gone for ever only while everybody else, who would end it, never gets a turn.
//
// Why these and nothing else: which steps lie on cycles is computed. They are
// unanswered attempts, of each call with a key, and what becomes of
// these, of which each has one. Of the rest, a state can tell that it happened:
// a call that may have been made, a mail that was begun, a record that was taken,
// and whoever wished the same again changes nothing.
//
// What changes nothing is no step here, and so is not counted: an attempt that
// certainly had no effect, a copy that the inbox absorbs, a crash before a commit
// or with nothing open, a request that is refused or repeated. Each can delay a
// schedule, and if it comes again and again for ever, for ever.
//
// A system that goes on for ever need not come back to the same state: a call
// that is asked for again has another id, made of the one before. So states that
// differ only in the ids of what is open count as one (rounds.go). Ways that grow
// otherwise are cut, which violates that no service goes in circles; where it is
// not violated nothing was cut, and there are finitely many states.
//
// Nor is followed further what breaks a law: a service that does what must never
// happen does nothing after it, and where the stock is beyond its law inventory
// takes no record. What would come of that is not known, and so it is not said of
// such states that no end can be reached from them, or that each schedule ends.
//
// # What is assumed
//
// The database commits atomically and shows a reaction the state that was
// committed last; the log keeps the records of one key in order and loses none;
// ids are derived from the input's, so that equal inputs have equal ids; the far
// sides keep their word; and the kit does what [Kit] lists. The kit's own code
// is not explored here. Reactions are functions: each is run twice on the same
// input, at two times, and a difference is a violation. Two orders that differ only in the
// sequence of what the customer is shown are taken for one: no reaction reads
// it, and each is run on both to show that. Amounts, quantities and texts are of
// two kinds: an order wants one piece of one SKU, or it is odd ([Scope]), and alone.
// That they are passed on as they are is checked (contents.go, untrue.go); that no
// reaction decides by how much it is otherwise, but inventory by the levels, is
// not.
//
// Not explored are inputs that park (a record that nobody can read, a database
// that refuses a row: a lane that waits is one that is late, until somebody lets
// it go), commands of one idempotency key with different texts, and orders that
// no shop would take, such as one without lines.
//
// What a broken kit lets happen, for mutants, is bounded to twice per service
// and order. Loops are cut where a chain of causes is longer than any that there
// is, and are a violation.
//
// # Two orders
//
// Two orders together have some millions of millions of states. They are not
// visited one by one but composed, and the result is the same, for this reason:
//
// Orders meet in one place only. Four services keep one row per order and show a
// reaction no other; inventory's reactions see the levels of the stock besides,
// which all orders share. So a step of one order can be exchanged with a step of
// the other that comes right before or after it, and the outcome is the same,
// unless both are stock operations.
//
// First, one order is explored against a stock that may stand at any lawful
// level whenever inventory looks at it. The state carries the sequence of its
// stock operations: for each, from which levels to which it goes. Reserve, for
// example, is either "from 1 on hand to 0 on hand, and StockReserved", or "from 0
// on hand to the same, and StockRejected".
//
// Second, all interleavings of two such sequences are played on the one shelf
// that there is: an operation fits when the shelf stands at one of the levels
// that it goes from.
//
// Then two orders can be in the states a and b, and the shelf at level l, if and
// only if the sequences of a and b can be interleaved so that the shelf comes to
// l. If they are together in a world, the way there shows the interleaving. And
// given the interleaving, take any way to a and any way to b, cut both at the
// stock operations, and lay the pieces in the interleaving's order: each piece
// runs as it did alone, since nothing that it looks at is touched by the other
// order, and each stock operation meets a level that it fits. So nothing is
// missed and nothing is made up: it is exact.
//
// Hence: a property of one order is violated by two if it is violated in a state
// whose sequence fits that of some state of the other order. A property of the
// stock is checked on the interleavings. The ends are the pairs of ends that
// fit. A state of both is a trap if no pair of ends, one from those that each can
// reach, can be reached by continuing the interleaving; each state carries which
// end sequences it can reach. The shortest way to a pair is as long as both ways
// together, as every step belongs to one order.
//
// What it rests on: that stores share nothing else, which holds for
// [flow.RowStore] by its type and for inventory's store by its query; that the far
// sides are asked under keys of each order's own, which is checked: a key that a
// reaction makes must be another one when its input is (machine.go); and that the
// two orders are alike but for their names. Crashes are per order there: a
// process that ends leaves the calls of both, which is one such step after the
// other.
//
// Two orders end, too. A schedule of both is a shuffle of one of each: if it had
// no end, one of the two would take infinitely many steps in it, and go for ever
// on a way of its own, which then has infinitely many unanswered attempts.
// A way of both that leads back to where it began leads each back to where it
// began, or lets it stand. As long as not both have ended, one of them has a step
// that comes by itself; and it is possible now, whatever the other left on the
// shelf, as inventory takes a record at every lawful level. The longest way of
// both is not longer than the longest of each whose stock operations fit; in the
// small scopes it is as long.
//
// TestCompositionMatchesFullTwoOrderSearch goes both ways where that is
// possible: the number of states, every kind of end, every verdict, the length
// of each shortest counterexample and of the longest way are the
// same, for the production system and for broken ones.
//
// # What is run when
//
// The tests visit scopes of up to a million states, with the race detector of up
// to a hundred thousand, and say of each that they leave out. With -full they
// leave out nothing. The scopes for which the claims are made ([Full]) are
// explored by cmd/explore, and written into docs/correctness.md by it.
//
// A fault that is put in on purpose is a [Mutant]; mutants_*.go have them by
// where they are made, and mutants_make.go has the means.
package explore
