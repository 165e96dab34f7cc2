// Package simulation plays the kit against everything that can go wrong, any number of
// times, and replays a run exactly from its seed.
//
// Real are the whole of pkg/engine and pkg/flow as in production (gather, load, fold,
// write, commit, hand over; relay, inbox, calls, timers, parked lanes, leases), the
// store's SQL over SQLite, and a participant with events, commands, calls, timers and
// poison in it (till.go).
//
// Simulated are the clock (testing/synctest), the log, the outside world, the consumer
// group, the notifications between instances, freezes and stalls, and the choice of the
// next goroutine. Wherever a goroutine could have an effect that another can observe,
// it waits for its turn (scheduler.go). So one goroutine runs at a time, and a seed
// chooses it.
//
// Between any two steps a process can be killed, frozen past its leases, or stopped. A
// commit can fail, happen without an answer, or happen after its process gave it up.
// The database is away for seconds, also when all is at rest but one customer.
// Acknowledgements are lost or come twice. Records are delivered twice. Partitions move
// while their old owner still reads. A call happens late, or its answer is lost
// (faults.go). Every seed draws its own mix of these, and plays with one instance or
// with two that share the database. A log may begin after deleted records.
//
// Any input can be ill (illness.go): a fact, a result or a timer whose reaction panics,
// or refuses it, or leads to a state that the database refuses. The illness lasts until
// it passes or a new binary comes. The new binary comes in the storm, one instance
// after the other, or after the storm. Some records need the registry, which is away,
// or learns of their schema late, or never (schemas.go). Two requests use one
// idempotency key at once. Sometimes more comes than one batch holds (burst.go).
//
// In the end the storm is over. Without a restart all must come to rest but the ill
// inputs, and every service must report that it is ready. Then, if it has not come yet,
// the new binary comes, every instance is started again, and all comes to rest. A judge
// checks the database, the log and the witnesses outside (judge.go):
//
//   - Every fact, result and timer was applied once and in the order of its lane.
//   - Every event was published, in order, with the correlation id, tenant and trace of
//     its cause, and no event that was not committed.
//   - Every command that was answered was applied once, and none that was refused, also
//     where two had one key.
//   - The money agrees with the state. No mail was sent twice.
//   - Every input that was given up has a whole dead letter, and nothing else has one.
//   - Nothing is left over.
//
// The judge checks two rules after each commit. An input that enters a parked lane
// enters at its end, and an input that leaves it leaves at its head (lanes.go). A
// process writes nothing about a call while another instance holds the lease
// (holders.go).
//
// A run of many seeds that did not walk each of the rare paths (rare.go) many times
// proves little and fails. Mutants of the kit's own code show that the judge would
// notice a fault (sabotage_test.go).
//
// The simulation cannot show some things. Transactions of two processes come one after
// the other, where PostgreSQL lets those of different keys overlap
// (TestTwoInstancesEndAnOrderOnce and the suites on real servers are for that). While a
// commit is in doubt no other process commits. One participant stands for five. Steps
// inside a database, a broker or a driver are not interleaved. One process reads a
// burst.
//
// Left out are:
//
//   - a registry that forgets, or gives an id to another schema, and one that is away
//     when a service registers its own schemas;
//   - topics that change;
//   - tables that change at a restart, except for mended reactions;
//   - clients that give up without their service's knowledge.
//
// In a story A1 is the first process of instance A. The shop and the room (the store
// room of the goods) append facts about orders, and customers nudge. "A1 commit" means
// that A1 goes on from there, and the text after a colon is the outcome.
//
// After FoundationDB's simulation and TigerBeetle's VOPR; the mixes are swarm testing
// (Groce et al., ISSTA 2012); rare paths are Antithesis' "sometimes" properties.
package simulation
