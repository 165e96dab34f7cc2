// Package simulation plays the kit against everything that can go wrong, as
// often as one likes, and the same way again when it is asked to.
//
// What is real: the whole of pkg/flow as it runs in production (gather, load,
// fold, write, commit, hand over; relay, inbox, calls, timers, parked lanes,
// leases), the store's SQL over SQLite, and a participant with events, commands,
// calls, timers and poison in it (till.go).
//
// What is simulated: the clock (testing/synctest), the log, the outside world,
// the consumer group, what one instance tells the other, who is frozen or stalled,
// and who goes on. Wherever a goroutine could
// do something that another can see, it waits for its turn (scheduler.go), so one
// goroutine runs at a time and a seed decides which. Between any two steps a
// process can be killed, frozen past its leases, or stopped; a commit can fail,
// happen without an answer, or happen after it was given up; acknowledgements are
// lost or come twice; records are delivered twice; partitions move while their
// old owner still reads; a call happens late, or unheard (faults.go). Every seed
// draws its own mix of these, and plays with one instance or with two that share
// the database.
//
// In the end the storm is over, and without a restart all must come to rest but
// what is poisoned. Then poison is mended, every instance is started again, all
// comes to rest, and a judge looks at the database, the log and the witnesses outside
// (judge.go): every fact applied once and in the order of its lane, every event
// published, in order, and none that was not committed; every command that was
// answered applied once, and none that was refused; the money as the state says;
// no mail twice; nothing left over. Some of it is looked at after each commit.
//
// A run of many seeds that did not walk each of the rare paths (rare.go) many
// times proves little and fails. That the judge would notice is shown by mutants
// of the kit's own code (sabotage_test.go).
//
// What it cannot show: transactions of two processes come one after the other,
// where PostgreSQL lets those of different keys overlap (TestTwoInstancesEndAnOrderOnce
// and the suites on real servers are for that); while a commit is in doubt nobody
// else commits; one participant stands for five; steps inside a database, a broker
// or a driver are not interleaved. Left out are the registry (away, or forgetful),
// results and timers that park, topics that change, tables that change at a
// restart, batches over 500, and clients who give up without their service
// knowing.
//
// In a story A1 is the first process of instance A; the shop and the room (where
// goods are kept) append facts about orders, customers nudge; "A1 commit" is that
// A1 goes on from there, and what follows a colon is what becomes of it.
//
// After FoundationDB's simulation and TigerBeetle's VOPR; the mixes are swarm
// testing (Groce et al., ISSTA 2012); rare paths are Antithesis' "sometimes"
// properties.
package simulation
