package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Document is docs/performance.md: the cost of an order, in all measured worlds.
func Document(worlds ...Results) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("<!-- written by `make ledger` from e2e/bench/testdata/*.json; do not edit -->")
	line("# What an order costs")
	line("")
	line("Every figure here was measured by `make ledger`, which writes this page. Orders have two lines.")
	line("`%s`: %d orders under way at any time. `%s`: half of the rate that came of it. `%s`: that many orders a second.", Saturated, Outstanding, Half, few)
	line("CPU is in ms for each completed order, and a figure is the median of all repetitions. Figures of equal runs")
	line("differ by a fifth, and by more between hours. So what counts is a ratio of two arms of one run.")
	for _, r := range worlds {
		line("\n## %s world", r.World)
		line("\n%s", r.where())
		line("Windows of %s s, %s s after the first order.\n", digits(r.For), digits(r.Warm))
		r.tables(line)
		r.failed(line)
	}
	line("\n## Goals\n\n| | world | required | stretch | reached | |\n|---|---|---|---|---|---|")
	for _, g := range goals {
		for _, r := range worlds {
			if !slices.Contains(g.worlds, r.World) {
				continue
			}
			reached, stretch := g.number(r), ""
			if g.stretch != 0 {
				stretch = digits(g.stretch)
			}
			line("| %s | %s | %s | %s | %s | %s |", g.says, r.World, digits(g.required), stretch, digits(reached), g.verdict(reached))
		}
	}
	line("\n## Ledger\n")
	line("What the services of A spend their CPU on, by a profile of each over the same windows. Time in the kernel is")
	line("of the step that asked for it. The log that a commit syncs is SQLite's, or PostgreSQL's in another process.")
	line("What a profile does not see is the kernel's switching between threads, and the runtime's thread that watches the others.")
	for _, r := range worlds {
		for _, point := range r.points() {
			line("\n### %s world, %s", r.World, point)
			r.ledger(line, point)
			r.asked(line, point)
		}
	}
	return b.String()
}
