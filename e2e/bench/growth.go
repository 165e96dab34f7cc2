package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// place is what was measured at one place on a dimension.
type place struct {
	value               int
	rate, p99, cpu, mem Figure
}

// places are those of a dimension, in their order.
func (r Results) places(d dimension) (all []place) {
	for _, name := range r.names(Saturated) {
		if value, lies := d.at(name); lies {
			all = append(all, place{value, r.of(name, Saturated, rate), r.of(name, Saturated, tail), r.of(name, Saturated, everything), r.of(name, Saturated, memory)})
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.value, b.value) })
	return all
}

// slope is by how much a number grows for one unit more, over all places (least squares).
func slope(of []place, number func(place) Figure) float64 {
	var n, x, y, xx, xy float64
	for _, p := range of {
		v, f := float64(p.value), number(p).Median
		n, x, y, xx, xy = n+1, x+v, y+f, xx+v*v, xy+v*f
	}
	return over(n*xy-x*y, n*xx-x*x)
}

// Growth is docs/growth.md, and the pictures that it shows by their paths.
func Growth(r Results) (page string, pictures map[string]string) {
	var b strings.Builder
	pictures = map[string]string{}
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("<!-- written by `make growth` from e2e/bench/testdata/growth.json; do not edit -->")
	line("# How the cost of an order grows")
	line("")
	line("%s world, saturated. %s", r.World, r.where())
	line("Windows of %s s, %s s after the first order. An order has %d lines, %d are under way, and a topic has %d partitions,", digits(r.For), digits(r.Warm), usual.lines, usual.open, partitions)
	line("unless that is what is varied. Figures are medians of all repetitions, with the lowest and the highest. Equal runs")
	line("differ by a fifth, so a slope that is less says nothing. CPU and memory: of all processes, and of the services at their peak.")
	for _, d := range dimensions {
		all := r.places(d)
		if len(all) < 2 {
			continue
		}
		line("\n## %s\n", d.says)
		line("| %s | completed/s | p99, ms | CPU, ms an order | memory, MiB |\n|---|---|---|---|---|", d.name)
		var rates, cpus []bar
		for _, p := range all {
			line("| %d | %s | %s | %s | %s |", p.value, p.rate, p.p99, p.cpu, p.mem)
			rates, cpus = append(rates, bar{strconv.Itoa(p.value), p.rate}), append(cpus, bar{strconv.Itoa(p.value), p.cpu})
		}
		first, last, unit := all[0], all[len(all)-1], float64(d.unit)
		line("\nFrom %d to %d: %s times the orders a second. By the slope, %d more cost %+.2g ms of CPU an order and %+.2g MiB of memory.\n", first.value, last.value,
			digits(over(last.rate.Median, first.rate.Median)), d.unit, unit*slope(all, func(p place) Figure { return p.cpu }), unit*slope(all, func(p place) Figure { return p.mem }))
		line("![](growth/%[1]s-rate.svg) ![](growth/%[1]s-cpu.svg)", d.name)
		pictures["growth/"+d.name+"-rate.svg"] = chart(d.says+": completed orders a second", rates)
		pictures["growth/"+d.name+"-cpu.svg"] = chart(d.says+": CPU, ms an order", cpus)
	}
	if len(r.Failures) > 0 {
		line("\nWithout a number:\n")
		r.failed(line)
	}
	return b.String(), pictures
}
