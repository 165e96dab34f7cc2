// Package simulation plays the kit against everything that can go wrong, as
// often as one likes, and the same way again when it is asked to.
//
// What is real: the whole of pkg/engine and pkg/flow as it runs in production (gather, load,
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
// happen without an answer, or happen after it was given up; the database is away for
// seconds, also when all is at rest but one customer; acknowledgements are lost or come
// twice; records are delivered twice; partitions move while their old owner still
// reads; a call happens late, or unheard (faults.go). Every seed draws its own mix of
// these, and plays with one instance or with two that share the database. A log may
// begin where something was deleted.
//
// Any input can be ill (illness.go): a fact, a result or a timer whose reaction
// panics, or refuses it, or leads to a state that the database refuses, until that
// passes or a new binary comes, in the storm, one instance after the other, or after
// it. Records can be such that only the registry explains them, which is away, or
// learns of their schema late, or never (schemas.go). Keys of commands are used for
// two requests at once. Sometimes more comes than one batch takes (burst.go).
//
// In the end the storm is over, and without a restart all must come to rest but
// what is ill, and every service say that it is ready. Then, if it has not come yet,
// the new binary comes, every instance is started again, all comes to rest, and a
// judge looks at the database, the log and the witnesses outside (judge.go): every
// fact, result and timer applied once and in the order of its lane, every event
// published, in order, with the story, tenant and trace of what it follows from, and
// none that was not committed; every command that was answered applied once, and none
// that was refused, also where two had one key; the money as the state says; no mail
// twice; a dead letter of everything that was given up, whole, and of nothing else;
// nothing left over. Some of it is looked at after each commit: what enters a parked
// lane enters at its end, and what leaves it leaves at its head (lanes.go); whose
// lease another has writes nothing about its calls (holders.go).
//
// A run of many seeds that did not walk each of the rare paths (rare.go) many
// times proves little and fails. That the judge would notice is shown by mutants
// of the kit's own code (sabotage_test.go).
//
// What it cannot show: transactions of two processes come one after the other,
// where PostgreSQL lets those of different keys overlap (TestTwoInstancesEndAnOrderOnce
// and the suites on real servers are for that); while a commit is in doubt nobody
// else commits; one participant stands for five; steps inside a database, a broker
// or a driver are not interleaved; a burst is read by one process. Left out are a
// registry that forgets, or gives an id to another schema, and one that is away
// when a service registers its own; topics that change; tables that change at a
// restart, other than that reactions are mended; and clients who give up without
// their service knowing.
//
// In a story A1 is the first process of instance A; the shop and the room (where
// goods are kept) append facts about orders, customers nudge; "A1 commit" is that
// A1 goes on from there, and what follows a colon is what becomes of it.
//
// After FoundationDB's simulation and TigerBeetle's VOPR; the mixes are swarm
// testing (Groce et al., ISSTA 2012); rare paths are Antithesis' "sometimes"
// properties.
package simulation
