// Package engine runs a participant of a choreography (see
// [github.com/quintet-eda/quintet/pkg/flow]) over the service's own database, fed
// from topics, HTTP commands, the results of its external calls and its timers.
//
// # The loop
//
// One goroutine handles every input of a service, in one straight line:
//
//  1. Gather what arrived while the previous batch was committed (queue.go). An
//     idle service has batches of one and no added latency; a busy one rests between
//     batches. A record from which nothing follows waits for the next batch, for
//     50 ms at most (records.go).
//  2. Load the rows that the batch is about, with one query per table, under lock, in
//     one round trip with the states (load.go).
//  3. Fold the reactions in memory, in the order of arrival (fold.go, apply.go).
//  4. Write positions, inbox, states, outbox, calls and timers in the same
//     transaction (write.go), with at most eleven statements per table at 500 inputs
//     (TestFullBatchTakesFewStatementsPerTable).
//  5. Commit, answer the commands, wake the followers (transact.go).
//
// # The followers
//
// What a commit leads to stands in a table and nowhere else. Four followers of one
// shape (follower.go) do it: relay, calls, timers, lanes. Each is woken by a bare
// hint, reads what is due for the shards whose leases its process holds, and begins
// what is not under way here. Any instance commits for any key, under the key's
// lock; the holder of the lease on the key's shard follows (lease.go).
//
// When an instance dies, its counter stands still. Within [leaseTime] another one
// takes its shards, each under a higher epoch, marks their open calls as ones that
// may have been made (one that is made at most once bears its own mark), and goes on
// from the tables. What the dead one still has under
// way, should it only have been paused, is refused by the epoch or is a copy.
//
// # Guarantees
//
// Each is followed by the tests that name it.
//
// Exactly once in effect. A participant applies its reaction once to an event, named
// by source and id, also when the event is delivered twice, replayed or redriven. The
// inbox mark commits with the reaction's effects. Another event under a source and id
// that were used before becomes a dead letter and an error line. TestAnEventIsAppliedOnceHoweverOftenItComes,
// TestEqualIDsOfTwoSourcesAreTwoEvents, TestIDWithOtherContentIsTold
//
// All or nothing. State change, outputs and inbox mark commit together or not
// at all. TestACommitOfUnknownOutcomeAppliesEventsOnce,
// TestAReactionThatFailsParksAndPutsNothingOut
//
// What is committed is published, at least once, in order per key and owner.
// The outbox row lives until the broker acknowledged it. Copies carry the same
// id, since ids derive from the input's. An event that the broker refuses for good
// is set aside and told; those of its key wait behind it, all else flows.
// TestCrashAfterPublishRepublishesTheSameID,
// TestARecordRefusedOnceIsPublishedAgainInOrder, TestRefusedEventHoldsUpOnlyItsLane,
// TestBrokerRestartLosesAndReordersNothing
//
// In order per lane. One key's inputs from one owner are handled in order. What
// cannot be handled parks its lane, (topic, key); later inputs of the lane wait
// behind it, everything else flows. After its attempts the head is also
// published to the dead-letter topic, once; the parked row stays the truth.
// A record without key goes to the dead-letter topic at once. Commands are
// never parked. TestParkedLaneBlocksNoOtherAndDrainsInOrder,
// TestRestartRetriesHeadWithoutNewDeadLetter,
// TestRecordWithoutUsableKeyIsADeadLetter,
// TestPoisonInputInABatchOf500ParksAlone
//
// Nothing is skipped. A record that only the registry can explain parks its lane
// until the registry was asked. A position outside the log, or a topic that is not
// the one it was, makes the service not ready with a sentence that says so.
// TestLaneWaitsWhileTheRegistryIsAway, TestUnknownSchemasHoldUpOnlyTheirLanes,
// TestPositionOutsideTheLogIsReportedNotReset,
// TestWhatAFormerOwnerStillHoldsIsNotApplied
//
// External calls are made at least once under a stable key, after the commit
// that asked for them, in order per key and concurrently across keys. A call
// that must not be repeated (mail) is made at most once: that it may be made is
// committed before it is made. Attempts, and when the next one is, stand in the
// call's row. TestACallEndsAsItsAttemptsTell,
// TestACallFoundAfterARestartMayHaveBeenMade,
// TestCallsAreSerialPerKeyParallelAcrossKeys,
// TestACallAtMostOnceIsNotRepeatedAfterACrash
//
// A result or a timer is applied if and only if the same transaction deletes
// its row, so it is applied once however often it comes.
// TestTimerFiringDuringStopOrMoveDoesNothing,
// TestUnknownCommitMakesEachCallOnce
//
// An answered command is committed. For any other, the error says what happened:
// [ErrUnavailable], nothing; [ErrOutcomeUnknown], repeat it with its
// idempotency key, and it happens once.
// TestCommandFailsWhileTheDatabaseIsDown,
// TestCommandRetryAfterUnknownCommitAppliesOnce,
// TestFiftyConcurrentCopiesOfACommandApplyOnce
//
// Several instances may share a database. All of the above holds for them
// together: the lock on a key's row puts its inputs in an order wherever they
// arrive, one instance at a time does what follows for a key, and what one does
// past its lease is refused or is a copy. Leases compare no two clocks. A due time is
// one host's clock, read by another's: they must agree as far as timers must.
// TestInstancesShareWorkAndKeepKeyOrder,
// TestSameCommandAtTwoInstancesAppliesOnce, TestRepeatsAtTwoInstancesCreateOneThing,
// TestADeadInstanceIsStoodInFor, TestAResultFromBeyondTheLeaseIsRefused
//
// Killing the process at any instant, disks intact, loses none of this.
// TestKilledServicesLoseNothingAndRecoverInTime,
// TestMachineCrashKeepsAcknowledgedOrders
//
// What no test can hit on purpose, between any two steps of several processes, is
// simulated: see e2e/proof/simulation. TestNothingIsLostDuplicatedOrReordered
//
// # Sources
//
// The outbox and its traps: event-driven.io, "How Postgres sequences can impact
// your messaging guarantees". Parked lanes: Axon's sequenced dead-letter queue
// and Confluent's "Error handling patterns in Kafka", without their second
// write. Tombstones: dtm's sub-transaction barrier. Folding pure decisions over
// a bulk load: Chassaing's Decider.
package engine
