package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// The gate checks two kinds of numbers. An order's allocations and statements are the same
// on every machine. Its time is not. The gate compares it with a yardstick measured in the
// same minutes: a ratio of two arms carries over to another machine.
const (
	gated     = "A"
	yardstick = "Y" // see yardOnly
)

// held are the numbers that the gate checks. A median may exceed the baseline's worst
// figure by a share of it. For times the share is large, since a shared machine moves
// their ratio by a quarter. The ledger shows a smaller slowdown without more allocations
// or statements.
var held = []struct {
	name   string
	point  string
	number func(Run) float64
	ratio  bool // to the yardstick's number
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

// Baseline is the earlier numbers. It changes in a commit of its own, with the reason.
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

// Numbers are the gate's numbers of results. Both numbers of a ratio are of one
// repetition.
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

// Against returns the numbers that are worse than a baseline's; empty without any.
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
