package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// The gate holds two kinds of numbers. What an order needs, in allocations and
// statements, is the same on every machine. Its time is not: it is compared with a
// yardstick that was measured in the same minutes, since a ratio of two arms moves to
// another machine.
const (
	gated     = "A"
	yardstick = "Y" // see yardOnly
)

// held are the numbers. A median may be beyond all that the baseline had by a share of
// it: of times by much, for a machine that others use too moves their ratio by a
// quarter. What is slower by less, and needs no more, is for the ledger to show.
var held = []struct {
	name   string
	point  string
	number func(Run) float64
	ratio  bool // of the yardstick's
	more   bool // more is better
	beyond float64
}{
	{"completed orders a second, over the yardstick's", Saturated, rate, true, true, 0.1},
	{"CPU of the services for an order, over the yardstick's", Saturated, services, true, false, 0.1},
	{"allocations for an order at 20/s", few, count("allocations"), false, false, 0.03},
	{"bytes allocated for an order at 20/s", few, count("bytes allocated"), false, false, 0.05},
	{"statements for an order at 20/s", few, count("statements"), false, false, 0.03},
	{"batches committed for an order at 20/s", few, count("batches committed"), false, false, 0.03},
}

func count(name string) func(Run) float64 { return func(r Run) float64 { return r.Counts[name] } }

// Baseline is what the numbers were. It changes in a commit of its own, with the reason.
type Baseline struct {
	Version int               `json:"version"`
	Machine Machine           `json:"machine"`
	Numbers map[string]Figure `json:"numbers"`
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

// Numbers are what results come to. Both numbers of a ratio are of one repetition.
func (r Results) Numbers() (Baseline, error) {
	b := Baseline{Version: Version, Machine: r.Machine, Numbers: map[string]Figure{}}
	for _, h := range held {
		of := map[string]map[int]float64{gated: {}, yardstick: {}}
		for _, run := range r.Runs {
			if of[run.Arm] != nil && run.Point == h.point {
				of[run.Arm][run.Repetition] = h.number(run)
			}
		}
		var all []float64
		for repetition, ours := range of[gated] {
			theirs, measured := of[yardstick][repetition]
			if !h.ratio {
				theirs, measured = 1, true
			}
			if measured && theirs > 0 {
				all = append(all, ours/theirs)
			}
		}
		if len(all) == 0 {
			return b, fmt.Errorf("no repetition has what is needed for: %s", h.name)
		}
		b.Numbers[h.name] = figure(all)
	}
	return b, nil
}

// Against returns what got worse than a baseline; nothing when all is well.
func (b Baseline) Against(before Baseline) (worse []string) {
	for _, h := range held {
		was, is := before.Numbers[h.name]
		now := b.Numbers[h.name]
		switch {
		case !is:
			worse = append(worse, h.name+": the baseline has none")
		case h.more && now.Median < was.Low*(1-h.beyond), !h.more && now.Median > was.High*(1+h.beyond):
			worse = append(worse, fmt.Sprintf("%s: %s, and it was %s", h.name, now, was))
		}
	}
	return worse
}

// String is a line for each number.
func (b Baseline) String() string {
	var lines []string
	for _, h := range held {
		lines = append(lines, fmt.Sprintf("%s: %s", h.name, b.Numbers[h.name]))
	}
	return strings.Join(lines, "\n")
}
