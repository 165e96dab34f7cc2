// Package bench measures what an order costs and how fast orders are completed.
//
// An arm is one way to run the five services: ours, or a peer's. All arms get the same
// orders. They run on the same broker, registry, database and outside world, together a
// [World]. Each repetition plays every arm once, so that a slow minute of the machine
// does not affect one arm alone.
//
// Only an order with an OrderCompleted on the topic counts. An open order does not
// count. An arm whose orders do not add up afterwards has no number (check.go).
//
// A report is made from the results' file alone, so it can be made again.
package bench
