package bench

import (
	"cmp"
	"maps"
	"slices"
)

// ledger is the use of CPU by A, at a point: a row for each step, in ms of CPU for each
// order, and a column for each service.
func (r Results) ledger(line func(string, ...any), point string) {
	services := keys(r.Runs, func(run Run) map[string]map[string]float64 { return run.Steps })
	if len(services) == 0 {
		return
	}
	cell := func(service, step string) float64 {
		return r.of(gated, point, func(run Run) float64 { return run.Steps[service][step] }).Median
	}
	all := map[string]float64{}
	total, named := 0.0, 0.0
	for _, run := range r.Runs {
		for _, steps := range run.Steps {
			for step := range steps {
				all[step] = 0
			}
		}
	}
	for _, step := range slices.Sorted(maps.Keys(all)) {
		for _, service := range services {
			all[step] += cell(service, step)
		}
		total += all[step]
		if step != unnamed {
			named += all[step]
		}
	}
	title, rule := "| step |", "|---|"
	for _, service := range services {
		title, rule = title+" "+service+" |", rule+"---|"
	}
	line("\n%s all | share |\n%s---|---|", title, rule)
	rows := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b))
	})
	for _, step := range rows {
		row := "| " + step + " |"
		for _, service := range services {
			row += " " + short(cell(service, step)) + " |"
		}
		line("%s %s | %.0f %% |", row, short(all[step]), 100*all[step]/total)
	}
	measured := r.of(gated, point, func(run Run) float64 {
		sum := 0.0
		for _, service := range services {
			sum += run.Parts[service].CPU
		}
		return sum
	}).Median
	line("\nThe named steps are %s of %s ms that the kernel counts for the services: %.0f %%.", digits(named), digits(measured), 100*named/measured)
}

// short is the text of a cell; empty for a figure near zero.
func short(ms float64) string {
	if ms < 0.0005 {
		return ""
	}
	return digits(ms)
}

// asked are the counters of A at a point.
func (r Results) asked(line func(string, ...any), point string) {
	names := keys(r.Runs, func(run Run) map[string]float64 {
		if run.Arm != gated {
			return nil
		}
		return run.Counts
	})
	title, rule, row := "|", "|", "|"
	for _, name := range names {
		title, rule = title+" "+name+" |", rule+"---|"
		row += " " + digits(r.of(gated, point, func(run Run) float64 { return run.Counts[name] }).Median) + " |"
	}
	line("\n%s\n%s\n%s", title, rule, row)
	parts := keys(r.Runs, func(run Run) map[string]Part { return run.Parts })
	title, rule, row = "| written to disk, KiB |", "|---|", "| |"
	for _, part := range parts {
		if disk := r.of(gated, point, func(run Run) float64 { return run.Parts[part].Disk }).Median; disk > 0 {
			title, rule = title+" "+part+" |", rule+"---|"
			row += " " + digits(disk) + " |"
		}
	}
	line("\n%s\n%s\n%s", title, rule, row)
}
