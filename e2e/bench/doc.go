// Package bench measures what an order costs and how fast orders are completed.
//
// An arm is one way to run the five services: ours, or a peer's. All arms get the same
// orders and stand on the same broker, registry, database and outside world, which
// together are a [World]. Each repetition plays every arm once, so that a slow
// minute of the machine is not one arm's alone.
//
// What counts is an order's OrderCompleted on the topic. An order that was begun counts
// for nothing. An arm whose orders do not add up afterwards has no number (check.go).
//
// A report is made from the results' file alone, so it can be made again.
package bench
