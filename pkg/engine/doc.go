// Package engine runs a participant of a choreography (see
// [github.com/quintet-eda/quintet/pkg/flow]) over the service's own database. Its inputs
// are events from topics, HTTP commands, results of its external calls, and its timers.
//
// # The loop
//
// One goroutine handles every input of a service, in one sequence of steps:
//
//  1. Gather the inputs that arrived while the previous batch was committed
//     (queue.go). An idle service has batches of one and no added latency. A busy one
//     rests between batches. A record from which nothing follows waits for the next
//     batch, for 50 ms at most (records.go).
//  2. Load the rows that the batch needs, with one query per table, under lock, in one
//     round trip with the states (load.go).
//  3. Fold the reactions in memory, in the order of arrival (fold.go, apply.go).
//  4. Write positions, inbox, states, outbox, calls and timers in the same
//     transaction (write.go), with at most eleven statements per table at 500 inputs
//     (TestFullBatchTakesFewStatementsPerTable).
//  5. Commit, wake the followers, answer the commands (transact.go).
//
// # The followers
//
// A commit records its follow-up work in tables and nowhere else. Four followers of
// one shape (follower.go) do that work: relay, calls, timers, lanes. A hint without
// content wakes a follower. The follower reads the due rows of the shards whose leases
// its process holds, and begins those that are not in flight here. Any instance commits
// for any key, under the key's lock. The holder of the lease on the key's shard does
// the follow-up work (lease.go).
//
// When an instance dies, its counter no longer changes. After [leaseTime] another
// instance takes its shards, each under a higher epoch. It marks their open calls as
// calls that may have been made (a call made at most once bears its own mark), and
// continues from the tables. If the first instance was only paused, its work in flight
// is fenced by the epoch, or is a copy.
//
// # Guarantees
//
// The tests that name a guarantee follow it.
//
// Exactly once in effect. A participant applies its reaction to an event once, even if
// the event is delivered twice, replayed or redriven. Source and id name an event. The
// inbox mark commits with the reaction's effects. Another event under a used source
// and id becomes a dead letter and an error line.
// TestAnEventIsAppliedOnceHoweverOftenItComes,
// TestEqualIDsOfTwoSourcesAreTwoEvents, TestIDWithOtherContentIsTold
//
// All or nothing. State change, outputs and inbox mark commit together or not
// at all. TestACommitOfUnknownOutcomeAppliesEventsOnce,
// TestAReactionThatFailsParksAndPutsNothingOut
//
// A committed event is published at least once, in order per key and owner. The outbox
// row lives until the broker has acknowledged it. Copies carry the same id, since ids
// derive from the input's. An event that the broker refuses for good is set aside and
// reported. Later events of its key and owner wait behind it; all others flow.
// TestCrashAfterPublishRepublishesTheSameID,
// TestARecordRefusedOnceIsPublishedAgainInOrder, TestRefusedEventHoldsUpOnlyItsLane,
// TestBrokerRestartLosesAndReordersNothing
//
// In order per lane. One key's inputs from one owner are handled in order. An input
// that cannot be handled parks its lane, (topic, key). Later inputs of the lane wait
// behind it; all others flow. After its attempts the head is also published to the
// dead-letter topic, once; the parked row stays authoritative. A record without a
// usable key goes to the dead-letter topic at once. Commands are never parked.
// TestParkedLaneBlocksNoOtherAndDrainsInOrder,
// TestRestartRetriesHeadWithoutNewDeadLetter,
// TestRecordWithoutUsableKeyIsADeadLetter,
// TestPoisonInputInABatchOf500ParksAlone
//
// Nothing is skipped. A record that only the registry can explain parks its lane until
// the registry has been asked. A position outside the log makes the service not ready,
// with a sentence that says so. So does a topic that is no longer the recorded one.
// TestLaneWaitsWhileTheRegistryIsAway, TestUnknownSchemasHoldUpOnlyTheirLanes,
// TestPositionOutsideTheLogIsReportedNotReset,
// TestWhatAFormerOwnerStillHoldsIsNotApplied
//
// External calls are made at least once under a stable key, after the commit
// that asked for them, in order per key and concurrently across keys. A call
// that must not be repeated (mail) is made at most once: the engine commits that the
// call may be made, and then makes it. The call's row holds the number of attempts and
// the time of the next one. TestACallEndsAsItsAttemptsTell,
// TestACallFoundAfterARestartMayHaveBeenMade,
// TestCallsAreSerialPerKeyParallelAcrossKeys,
// TestACallAtMostOnceIsNotRepeatedAfterACrash
//
// A result or a timer is applied if and only if the same transaction deletes
// its row, so it is applied once however often it arrives.
// TestTimerFiringDuringStopOrMoveDoesNothing,
// TestUnknownCommitMakesEachCallOnce
//
// A command answered without an error is committed. After [ErrUnavailable], nothing
// happened. After [ErrOutcomeUnknown], a repeat with the same idempotency key happens
// once. TestCommandFailsWhileTheDatabaseIsDown,
// TestCommandRetryAfterUnknownCommitAppliesOnce,
// TestFiftyConcurrentCopiesOfACommandApplyOnce
//
// Several instances may share a database. All of the above holds for them together.
// The lock on a key's row orders its inputs, whichever instance receives them. One
// instance at a time does the follow-up work of a key. The work of an instance past
// its lease is fenced or is a copy. Leases compare no two clocks. One host's clock sets
// a due time, another's reads it: the clocks must agree as closely as timers must.
// TestInstancesShareWorkAndKeepKeyOrder,
// TestSameCommandAtTwoInstancesAppliesOnce, TestRepeatsAtTwoInstancesCreateOneThing,
// TestADeadInstanceIsStoodInFor, TestAResultFromBeyondTheLeaseIsRefused
//
// Killing the process at any instant, disks intact, loses none of this.
// TestKilledServicesLoseNothingAndRecoverInTime,
// TestMachineCrashKeepsAcknowledgedOrders
//
// A simulation covers the interleavings of several processes, between any two steps,
// that no test can hit on purpose: see e2e/proof/simulation.
// TestNothingIsLostDuplicatedOrReordered
//
// # Sources
//
// The outbox and its traps: event-driven.io, "How Postgres sequences can impact
// your messaging guarantees". Parked lanes: Axon's sequenced dead-letter queue
// and Confluent's "Error handling patterns in Kafka", without their second
// write. Tombstones: dtm's sub-transaction barrier. Folding pure decisions over
// a bulk load: Chassaing's Decider.
package engine
