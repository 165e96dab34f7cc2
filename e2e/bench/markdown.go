package bench

import (
	"fmt"
	"strings"
)

// Markdown is the report.
func (r Results) Markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Benchmark, %s world", r.World)
	line("")
	line("%s", r.where())
	line("")
	line("Orders of two lines over at most %d connections; windows of %s s, %s s after the first order.", Connections, digits(r.For), digits(r.Warm))
	line("`%s`: %d orders under way at any time. `%s`: half of the rate that came of it. A number: that many orders a second,", Saturated, Outstanding, Half)
	line("whatever becomes of them. Latency is from the moment at which an order should have been placed until its")
	line("OrderCompleted can be read. CPU, in ms, and counts are for each completed order; memory, in MiB, is the sum of the")
	line("services' peaks. Each figure is a median, with the lowest and the highest of all repetitions.")
	line("")
	r.tables(line)
	r.failed(line)
	return b.String()
}

// where is the date and the machine of the measurement.
func (r Results) where() string {
	return fmt.Sprintf("%s, %s. %s, %d cores, Linux %s, %s. Writing and syncing 4 KiB takes %s ms.", r.Began.Format("2 January 2006"),
		r.Machine.Durability, r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, digits(r.Machine.Sync))
}

// tables name the arms, and show their figures at each point.
func (r Results) tables(line func(string, ...any)) {
	for _, arm := range r.names("") {
		line("- **%s**: %s", arm, r.Arms[arm])
	}
	for _, point := range r.points() {
		r.table(line, point)
	}
}

// failed names the repetitions that have no number; nothing if there are none.
func (r Results) failed(line func(string, ...any)) {
	if len(r.Failures) > 0 {
		line("\nWithout a number:\n")
	}
	for _, f := range r.Failures {
		reason, _, _ := strings.Cut(f.Reason, "\n")
		line("- %s, repetition %d: %.160s", f.Arm, f.Repetition, reason)
	}
}

// table is the figures of all arms at a point, and then the CPU of each part.
func (r Results) table(line func(string, ...any), point string) {
	columns := []struct {
		title  string
		number func(Run) float64
	}{
		{"completed/s", rate}, {"p50 ms", median}, {"p99 ms", tail},
		{"CPU, services", services}, {"CPU, all", everything}, {"memory", memory},
	}
	counts := keys(r.Runs, func(run Run) map[string]float64 { return run.Counts })
	for _, name := range counts {
		columns = append(columns, struct {
			title  string
			number func(Run) float64
		}{name, func(run Run) float64 { return run.Counts[name] }})
	}
	title, rule := "| arm |", "|---|"
	for _, c := range columns {
		title, rule = title+" "+c.title+" |", rule+"---|"
	}
	line("\n### %s\n\n%s\n%s", point, title, rule)
	for _, arm := range r.names(point) {
		row := "| " + arm + " |"
		for _, c := range columns {
			row += " " + r.of(arm, point, c.number).String() + " |"
		}
		line("%s", row)
	}
	parts := keys(r.Runs, func(run Run) map[string]Part { return run.Parts })
	line("\n| CPU ms | %s |\n|---|%s", strings.Join(parts, " | "), strings.Repeat("---|", len(parts)))
	for _, arm := range r.names(point) {
		row := "| " + arm + " |"
		for _, part := range parts {
			f := r.of(arm, point, func(run Run) float64 { return run.Parts[part].CPU })
			row += " " + digits(f.Median) + " |"
		}
		line("%s", row)
	}
}
