package bench

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The allowed use of a machine, and the limits of one unit of a managed service. These
// are assumptions; all else in docs/capacity.md is measured.
const (
	busy        = 0.6  // used share of a core: the rest is for bursts and failures
	unitCores   = 32   // of one database or broker
	unitLog     = 200  // MB/s that one database writes to its log
	unitIn      = 100  // MB/s that one broker receives, copies included
	copies      = 3    // of each record, and of each database's log
	days        = 7    // of retention of the topics
	noisy       = 0.25 // the difference between two equal measurements
	kibInMB     = 1.024 / 1000
	secondsADay = 86400
)

// Capacity is docs/capacity.md: the resources for many orders, computed from the cost of
// one.
func Capacity(r Results) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	cost := func(part string) float64 {
		return r.of(gated, Saturated, func(run Run) float64 { return run.Parts[part].CPU }).Median
	}
	largest, heaviest := "", 0.0
	all := 0.0
	for _, service := range Services {
		c := cost(service)
		all += c
		if c > heaviest {
			largest, heaviest = service, c
		}
	}
	log := r.of(gated, Saturated, func(run Run) float64 { return run.Counts["log KiB"] }).Median * kibInMB
	topics := r.of(gated, Saturated, func(run Run) float64 { return run.Parts["kafka"].Disk }).Median * kibInMB

	line("<!-- written by `make ledger` from e2e/bench/testdata/real.json; do not edit -->")
	line("# What it takes to carry more")
	line("")
	line("An order of two lines took, saturated, on Kafka and PostgreSQL of one machine (%s, %d cores):", r.Machine.CPU, r.Machine.Cores)
	line("")
	line("| | for an order |\n|---|---|")
	line("| CPU of the five services | %s ms, of which %s takes %s |", digits(all), largest, digits(heaviest))
	line("| CPU of PostgreSQL, of Kafka | %s ms, %s ms |", digits(cost("postgres")), digits(cost("kafka")))
	line("| PostgreSQL's log, of five databases | %s KiB |", digits(log/kibInMB))
	line("| what Kafka wrote to disk | %s KiB |", digits(topics/kibInMB))
	line("")
	line("Each may be off by %.0f %%. The rest follows from these assumptions: a core is used to %.0f %%; one database or broker has", 100*noisy, 100*busy)
	line("%d cores; a database writes %d MB/s of log, a broker takes in %d MB/s; each record and log is kept %d times, topics", unitCores, unitLog, unitIn, copies)
	line("for %d days. Batches grow with the load, so that the costs of a batch are spread; the costs of an order stay.", days)
	line("")
	needs := func(n float64) map[string]float64 {
		return map[string]float64{
			"cores of databases": n * cost("postgres") / 1000 / busy / unitCores,
			"logs of databases":  n * log / unitLog,
			"cores of brokers":   n * cost("kafka") / 1000 / busy / unitCores,
			"bytes into brokers": n * topics * copies / unitIn,
		}
	}
	rates := []float64{1e4, 1e5, 1e6}
	line("| orders/s | cores of services | instances of %s, each of one core | databases | brokers | partitions of a topic, at least | log, MB/s | topics, TB |\n|---|---|---|---|---|---|---|---|", largest)
	for _, n := range rates {
		need := needs(n)
		instances := math.Ceil(n * heaviest / 1000 / busy)
		line("| %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %s | %s |", n, math.Ceil(n*all/1000/busy), instances,
			math.Ceil(max(need["cores of databases"], need["logs of databases"])), math.Ceil(max(need["cores of brokers"], need["bytes into brokers"])),
			instances, digits(n*log), digits(n*topics*secondsADay*days*copies/1e6))
	}
	one := needs(1)
	first := slices.MaxFunc(slices.Sorted(maps.Keys(one)), func(a, b string) int {
		if one[a] < one[b] {
			return -1
		}
		return 1
	})
	line("")
	line("**The first wall** is the %s: one unit is full at %.0f orders/s. Each service has a database of its own, so five", first, 1/one[first])
	line("servers in place of one move it by their number. Beyond that a service is split by order: its key is the order's id, all")
	line("that a reaction reads is of its key, and the shards of a service share nothing but its topic. Inventory is the exception:")
	line("its rows are of articles, so it is split by article, and an article that everybody wants is one row. That row is locked")
	line("once for a batch, not for an order; `make bench` shows what a batch takes.")
	line("")
	line("**The second** is the partition: an instance reads whole partitions, so there are as many instances as partitions at most.")
	line("Their number is chosen when a topic is made, since a key must stay where it is: choose the last column for the load of")
	line("some years. A member asks for all of its partitions at once, so idle ones cost little.")
	line("")
	line("**What does not scale** is the number of connections: each instance has one that writes, four that read and one that")
	line("listens. A thousand instances of a service want a pool in front that keeps sessions, since a listener needs its own.")
	return b.String()
}
