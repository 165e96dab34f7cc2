package bench

import (
	"fmt"
	"maps"
	"slices"
)

// Figure is a number over all repetitions.
type Figure struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// figure sums up numbers. Of an even number of them the median is the lower of the two
// middle ones.
func figure(numbers []float64) Figure {
	if len(numbers) == 0 {
		return Figure{}
	}
	sorted := slices.Sorted(slices.Values(numbers))
	return Figure{Median: sorted[(len(sorted)-1)/2], Low: sorted[0], High: sorted[len(sorted)-1]}
}

// String is the median with its significant digits, and the spread where there is one.
func (f Figure) String() string {
	if f.Low == f.High {
		return digits(f.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", digits(f.Median), digits(f.Low), digits(f.High))
}

func digits(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	if n >= 1 || n == 0 {
		return fmt.Sprintf("%.2f", n)
	}
	return fmt.Sprintf("%.3f", n)
}

// points are the measured points, in their order.
func (r Results) points() (all []string) {
	for _, run := range r.Runs {
		if !slices.Contains(all, run.Point) {
			all = append(all, run.Point)
		}
	}
	return all
}

// names are the sorted names of the arms with a number at a point; at any point if it is
// empty.
func (r Results) names(point string) []string {
	has := map[string]bool{}
	for _, run := range r.Runs {
		if point == "" || run.Point == point {
			has[run.Arm] = true
		}
	}
	return slices.Sorted(maps.Keys(has))
}

// of sums up one number of an arm's runs at a point.
func (r Results) of(arm, point string, number func(Run) float64) Figure {
	var all []float64
	for _, run := range r.Runs {
		if run.Arm == arm && run.Point == point {
			all = append(all, number(run))
		}
	}
	return figure(all)
}

// inside is the name of the part that runs in this process in place of services.
const inside = "in bench"

// The numbers of a run that reports show.
func rate(r Run) float64   { return r.Rate }
func median(r Run) float64 { return r.Latency.P50 }
func tail(r Run) float64   { return r.Latency.P99 }

// services is the CPU time of the services alone, for each order.
func services(r Run) (sum float64) {
	for _, name := range slices.Concat(Services, []string{inside}) {
		sum += r.Parts[name].CPU
	}
	return sum
}

// everything is the CPU time of all but the harness, for each order.
func everything(r Run) (sum float64) {
	for _, name := range slices.Sorted(maps.Keys(r.Parts)) { // sums of fractions depend on their order
		if name != harness {
			sum += r.Parts[name].CPU
		}
	}
	return sum
}

// memory is the sum of the services' peaks.
func memory(r Run) (sum float64) {
	for _, name := range Services {
		sum += r.Parts[name].Memory
	}
	return sum
}

// keys are the sorted keys of a map of all runs.
func keys[V any](runs []Run, of func(Run) map[string]V) []string {
	all := map[string]bool{}
	for _, run := range runs {
		for key := range of(run) {
			all[key] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
