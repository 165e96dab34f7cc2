// Package flow runs a participant of a choreography: a table of pure reactions
// (see [Participant]) over a service's own database, fed from topics, HTTP
// commands, the results of its own external calls and its own timers.
//
// # The loop
//
// One goroutine, the engine's, handles every input of a service:
//
//  1. Gather what arrived while the previous batch was committed. There is no
//     timer: an idle service has batches of one and no added latency.
//  2. Load the states that the batch is about, with one query per table, under
//     lock.
//  3. Fold the reactions in memory, in the order of arrival.
//  4. Write positions, inbox, states, outbox, calls and timers in the same
//     transaction, with at most eight statements per table at 500 inputs
//     (TestAFullBatchTakesAHandfulOfStatementsPerTable).
//  5. Commit, and only then hand over: events to the relay, calls to the effect
//     workers, answers to the callers, offsets to the broker.
//
// # Guarantees
//
// Each is followed by the tests that name it.
//
// Exactly once in effect. A reaction is applied once per participant and event
// id, whatever is delivered twice, replayed or redriven: the inbox mark commits
// with the reaction's effects. TestAnEventIsAppliedOnceHoweverOftenItComes
//
// All or nothing. State change, outputs and inbox mark commit together or not
// at all. TestACommitOfUnknownOutcomeAppliesEventsOnce,
// TestAReactionThatFailsParksAndPutsNothingOut
//
// What is committed is published, at least once, in order per key and owner.
// The outbox row lives until the broker acknowledged it. Copies carry the same
// id, since ids derive from the input's.
// TestACrashBetweenPublishAndDeleteRepeatsTheSameID,
// TestARecordRefusedOnceIsPublishedAgainInOrder,
// TestNothingIsLostOrReorderedWhenTheBrokerRestarts
//
// In order per lane. One key's inputs from one owner are handled in order. What
// cannot be handled parks its lane, (topic, key); later inputs of the lane wait
// behind it, everything else flows. After its attempts the head is also
// published to the dead-letter topic, once; the parked row stays the truth.
// A record without key goes to the dead-letter topic at once. Commands are
// never parked. TestAParkedLaneHoldsUpOnlyItselfAndDrainsInOrder,
// TestAParkedHeadIsADeadLetterOnceAndARestartTriesItAgain,
// TestARecordWithoutKeyGoesToTheDeadLettersAtOnce,
// TestAPoisonSaveAmongFiveHundredInputsParksAlone
//
// Nothing is skipped. A record that needs the registry while it is out of reach
// makes its partition wait. A position outside the log, or a topic that is not
// the one it was, makes the service not ready with a sentence that says so.
// TestWhileTheRegistryIsAwayThePartitionWaitsAndSkipsNothing,
// TestAPositionOutsideTheLogIsToldAndNothingIsReadOrReset,
// TestWhatAFormerOwnerStillHoldsIsNotApplied
//
// External calls are made at least once under a stable key, after the commit
// that asked for them, in order per key and concurrently across keys. A call
// that must not be repeated (mail) is made at most once: that it may be made is
// committed before it is made. TestACallEndsAsItsAttemptsTell,
// TestACallFoundAfterARestartMayHaveBeenMade,
// TestCallsAreInOrderPerKeyAndConcurrentAcrossKeys,
// TestACallAtMostOnceIsNotRepeatedAfterACrash
//
// A result or a timer is applied if and only if the same transaction deletes
// its row, so it is applied once however often it comes.
// TestATimerThatFiresWhileABatchStopsOrMovesItDoesNothing,
// TestACommitOfUnknownOutcomeMakesNoCallTwiceAndForgetsNone
//
// A command that was answered is committed. One that was not answered is told
// apart: [ErrBusy], nothing happened; [ErrUnknown], repeat it with its
// idempotency key, and it happens once.
// TestACommandIsNeverAppliedSilentlyWhileTheDatabaseIsDown,
// TestACommandOfUnknownOutcomeHappensOnceWhenRepeated,
// TestFiftyConcurrentCopiesOfACommandApplyOnce
//
// Several instances may share a database. All of the above holds for them
// together: the lock on a key's row puts its inputs in an order wherever they
// arrive, one instance at a time does what follows for a key, and what one does
// past its lease is refused or is a copy.
// TestSeveralInstancesShareTheWorkAndKeepEachKeysOrder,
// TestCommandsAtTwoInstancesMeetUnderTheKeysLock,
// TestADeadInstanceIsStoodInFor, TestAResultFromBeyondTheLeaseIsRefused
//
// Killing the process at any instant, disks intact, loses none of this. Every
// hand-over in memory is a hint; its truth is in a table and is read back.
// TestKilledServicesLoseNothingAndAreBackWithinTwoSeconds,
// TestAMachineThatGoesDownLosesNothingAcknowledged
//
// What no test can hit on purpose, between any two steps of several processes, is
// simulated: see pkg/flow/simulation. TestNothingIsLostTwiceOrOutOfOrderWhateverHappens
//
// # Sources
//
// The outbox and its traps: event-driven.io, "How Postgres sequences can impact
// your messaging guarantees". Parked lanes: Axon's sequenced dead-letter queue
// and Confluent's "Error handling patterns in Kafka", without their second
// write. Tombstones: dtm's sub-transaction barrier. Folding pure decisions over
// a bulk load: Chassaing's Decider.
package flow
