package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// The gate compares ours with a yardstick that was measured in the same minutes. A
// time would be of one machine; a ratio of two arms moves to another one.
const (
	gated     = "A"
	yardstick = "Y" // see yardOnly
)

// ratios are what the gate holds, each with how it gets worse: when the median is
// beyond all that there was. By chance that is so in one of twelve runs of five
// against five, and in one of 45 against ten: a baseline should have ten or more.
var ratios = []struct {
	name   string
	number func(Run) float64
	worse  func(now, before Figure) bool
}{
	{"completed orders a second", rate, func(now, before Figure) bool { return now.Median < before.Low }},
	{"CPU of the services for an order", services, func(now, before Figure) bool { return now.Median > before.High }},
}

// Baseline is what the ratios were. It changes in a commit of its own, with the reason.
type Baseline struct {
	Version int               `json:"version"`
	Machine Machine           `json:"machine"`
	Ratios  map[string]Figure `json:"ratios"` // ours, divided by the yardstick's, saturated
}

// ReadBaseline reads a baseline.
func ReadBaseline(path string) (Baseline, error) {
	var b Baseline
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err == nil && b.Version != Version {
		err = fmt.Errorf("it is of version %d, not %d", b.Version, Version)
	}
	if err != nil {
		return b, fmt.Errorf("read baseline %s: %w", path, err)
	}
	return b, nil
}

// Write writes a baseline.
func (b Baseline) Write(path string) error { return write(path, b) }

// Ratios are what results come to. Both numbers of a ratio are of one repetition.
func (r Results) Ratios() (Baseline, error) {
	b := Baseline{Version: Version, Machine: r.Machine, Ratios: map[string]Figure{}}
	for _, ratio := range ratios {
		of := map[string]map[int]float64{gated: {}, yardstick: {}}
		for _, run := range r.Runs {
			if of[run.Arm] != nil && run.Point == Saturated {
				of[run.Arm][run.Repetition] = ratio.number(run)
			}
		}
		var all []float64
		for repetition, ours := range of[gated] {
			if theirs := of[yardstick][repetition]; theirs > 0 {
				all = append(all, ours/theirs)
			}
		}
		if len(all) == 0 {
			return b, fmt.Errorf("no repetition has both %s and %s, %s", gated, yardstick, Saturated)
		}
		b.Ratios[ratio.name] = figure(all)
	}
	return b, nil
}

// Against returns what got worse than a baseline's spread; nothing when all is well.
func (b Baseline) Against(before Baseline) (worse []string) {
	for _, ratio := range ratios {
		was, is := before.Ratios[ratio.name]
		now := b.Ratios[ratio.name]
		switch {
		case !is:
			worse = append(worse, ratio.name+": the baseline has none")
		case ratio.worse(now, was):
			worse = append(worse, fmt.Sprintf("%s: %s of the yardstick's, and it was %s", ratio.name, now, was))
		}
	}
	return worse
}

// String is a line for each ratio.
func (b Baseline) String() string {
	var lines []string
	for name, f := range b.Ratios {
		lines = append(lines, fmt.Sprintf("%s: %s of the yardstick's", name, f))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
