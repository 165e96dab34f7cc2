package bench

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// place is the measurement at one value of a dimension.
type place struct {
	value               int
	rate, p99, cpu, mem Figure
}

// places are the places of a dimension, in the order of their values.
func (r Results) places(d dimension) (all []place) {
	for _, name := range r.names(Saturated) {
		if value, lies := d.at(name); lies {
			all = append(all, place{value, r.of(name, Saturated, rate), r.of(name, Saturated, tail), r.of(name, Saturated, everything), r.of(name, Saturated, memory)})
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.value, b.value) })
	return all
}

// slope is the growth of a number for one unit more, over all places (least squares).
func slope(of []place, number func(place) Figure) float64 {
	var n, x, y, xx, xy float64
	for _, p := range of {
		v, f := float64(p.value), number(p).Median
		n, x, y, xx, xy = n+1, x+v, y+f, xx+v*v, xy+v*f
	}
	return over(n*xy-x*y, n*xx-x*x)
}

// Growth is docs/growth.md, and its pictures by their paths. The long results are of
// windows that are reported by the minute.
func Growth(long Results, worlds ...Results) (page string, pictures map[string]string) {
	var b strings.Builder
	pictures = map[string]string{}
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("<!-- written by `make growth` and `make endurance` from e2e/bench/testdata/growth-*.json; do not edit -->")
	line("# How the cost of an order grows")
	line("")
	line("Saturated. An order has %d lines, %d are under way, each service has one instance, and a topic has %d partitions,", usual.lines, usual.open, partitions)
	line("unless that is what is varied. Figures are medians of all repetitions, with the lowest and the highest. Equal runs")
	line("differ by a fifth, so a slope that is less says nothing. CPU and memory: of all processes, and of the services at their peak.")
	for _, r := range worlds {
		r.growth(line, pictures)
	}
	line("\n## Over time\n\n%s world, saturated. %s", long.World, long.where())
	line("Of more than %d orders each is counted on the topics and in the ledgers of the outside world; the states are not asked.", statesBound)
	for _, run := range long.Runs {
		if len(run.Minutes) > 1 {
			run.overTime(line)
		}
	}
	long.failed(line)
	return b.String(), pictures
}

// growth shows one world's dimensions.
func (r Results) growth(line func(string, ...any), pictures map[string]string) {
	line("\n## %s world\n\n%s", r.World, r.where())
	line("Windows of %s s, %s s after the first order.", digits(r.For), digits(r.Warm))
	for _, d := range dimensions {
		all := r.places(d)
		if len(all) < 2 {
			continue
		}
		line("\n### %s\n", d.says)
		line("| %s | completed/s | p99, ms | CPU, ms an order | memory, MiB |\n|---|---|---|---|---|", d.name)
		var rates, cpus []bar
		for _, p := range all {
			line("| %d | %s | %s | %s | %s |", p.value, p.rate, p.p99, p.cpu, p.mem)
			rates, cpus = append(rates, bar{strconv.Itoa(p.value), p.rate}), append(cpus, bar{strconv.Itoa(p.value), p.cpu})
		}
		first, last, unit := all[0], all[len(all)-1], float64(d.unit)
		line("\nFrom %d to %d: %s times the orders a second. By the slope, %d more cost %+.2g ms of CPU an order and %+.2g MiB of memory.\n", first.value, last.value,
			digits(over(last.rate.Median, first.rate.Median)), d.unit, unit*slope(all, func(p place) Figure { return p.cpu }), unit*slope(all, func(p place) Figure { return p.mem }))
		name := "growth/" + r.World + "-" + d.name
		line("![](%[1]s-rate.svg) ![](%[1]s-cpu.svg)", name)
		pictures[name+"-rate.svg"] = chart(d.says+": completed orders a second", rates)
		pictures[name+"-cpu.svg"] = chart(d.says+": CPU, ms an order", cpus)
	}
	r.failed(line)
}

// steady is the goal for a system that runs for long.
var steady = goal{says: "The last minute's completed/s over the first's", more: true, required: 0.95, stretch: 1}

// overTime shows a long window by the minute, and the rows that the databases keep.
func (r Run) overTime(line func(string, ...any)) {
	line("\n### %s, %d minutes\n\n| minute | completed/s | p99, ms | memory, MiB |\n|---|---|---|---|", r.Arm, len(r.Minutes))
	for i, m := range r.Minutes {
		if i == 0 || (i+1)%5 == 0 || i == len(r.Minutes)-1 {
			line("| %d | %s | %s | %s |", i+1, digits(m.Rate), digits(m.P99), digits(m.Memory))
		}
	}
	first, last := r.Minutes[0], r.Minutes[len(r.Minutes)-1]
	held := over(last.Rate, first.Rate)
	line("\n%d orders were completed. %s: %s (at least %s; %s). Memory, last over first: %s.",
		r.Completed, steady.says, digits(held), digits(steady.required), steady.verdict(held), digits(over(last.Memory, first.Memory)))
	line("\nRows that the databases keep, for each order that was placed. What is not here is empty when there is nothing to do,")
	line("or has as many rows as there are articles or partitions.\n\n| table | rows |\n|---|---|")
	for _, table := range slices.Sorted(maps.Keys(r.Kept)) {
		if r.Kept[table] >= 0.01 {
			line("| %s | %s |", table, digits(r.Kept[table]))
		}
	}
}
