package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/e2e"
)

const progressEvery = 10 * time.Second

// progress prints a line every progressEvery, until ctx ends.
func progress(ctx context.Context, w *e2e.World, b *buyers, t trouble) {
	facts, err := w.Topics.Follow(ctx)
	if err != nil {
		fmt.Fprintln(os.Stdout, "no progress will be shown:", err)
		return
	}
	begun, ended, last := time.Now(), 0, int64(0)
	ticks := time.NewTicker(progressEvery)
	defer ticks.Stop()
	for {
		select {
		case f, open := <-facts:
			if !open {
				return
			}
			if f.Name() == "OrderCompleted" || f.Name() == "OrderCancelled" {
				ended++
			}
		case <-ticks.C:
			placed := b.placed.Load()
			fmt.Fprintf(os.Stdout, "%4.0f s  %6d placed (%.0f/s)  %6d ended  %s\n", time.Since(begun).Seconds(),
				placed, float64(placed-last)/progressEvery.Seconds(), ended, t.progress())
			last = placed
		case <-ctx.Done():
			return
		}
	}
}

// figures are the results of a run.
type figures struct {
	placed   []string
	seen     *e2e.Seen
	trouble  trouble
	requests *requests
	begun    time.Time
	loading  time.Duration
	resting  time.Duration
	judging  time.Duration
}

func (f figures) print(w io.Writer) {
	ends := map[string]int{}
	for _, order := range f.placed {
		o := f.seen.Orders[order]
		ends[strings.TrimSpace(o.Status+" "+o.Reason)]++
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Fprintf(w, "\norders       %d in %.0f s, %.1f/s\n", len(f.placed), f.loading.Seconds(), float64(len(f.placed))/f.loading.Seconds())
	for _, end := range slices.Sorted(maps.Keys(ends)) {
		fmt.Fprintf(w, "  %-32s %d\n", end, ends[end])
	}
	fmt.Fprintln(w, f.trouble.summary())
	stage := func(time.Time) string { return "" }
	if staged, is := f.trouble.(interface{ stage(time.Time) string }); is {
		stage = staged.stage
	}
	took := f.timeToEnd(stage)
	for _, stage := range slices.Sorted(maps.Keys(took)) {
		fmt.Fprintf(w, "time to end  %s\n", spread(stage, took[stage]))
	}
	var harms []harm
	if harmful, is := f.trouble.(interface{ harmed() []harm }); is {
		harms = harmful.harmed()
	}
	f.requests.print(w, harms)
	printHarms(w, f.begun, harms, waits(harms, f.seen.Facts, f.requests.delayed), f.requests.failures)
	fmt.Fprintf(w, "rest         after %.1f s\n", f.resting.Seconds())
	fmt.Fprintf(w, "judged       %d records in %.1f s, %d MB held\n", len(f.seen.Facts), f.judging.Seconds(), memory.HeapAlloc>>20)
	fmt.Fprintf(w, "violations   %d\n", len(f.seen.Violations()))
}

// spread is the text of the distribution of durations.
func spread(stage string, took []time.Duration) string {
	if stage != "" {
		stage = fmt.Sprintf("%s, %d orders: ", stage, len(took))
	}
	return fmt.Sprintf("%sp50 %s, p99 %s, longest %s", stage, at(0.5, took), at(0.99, took), at(1, took))
}

// middle is the text of the distribution of a few durations.
func middle(took []time.Duration) string {
	return fmt.Sprintf("p50 %s, longest %s", at(0.5, took), at(1, took))
}

// at is the duration that a share of them does not exceed; 0 without any.
func at(share float64, took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(int(share*float64(len(took))), len(took)-1)].Round(time.Millisecond)
}

// timeToEnd is the time of each order from OrderPlaced to the event of its end, by the
// services' clocks. It is grouped by the stage in which the order was placed.
func (f figures) timeToEnd(stage func(time.Time) string) map[string][]time.Duration {
	from, to := map[string]time.Time{}, map[string]time.Time{}
	for _, e := range f.seen.Facts {
		switch e.Name() {
		case "OrderPlaced":
			from[e.Key] = e.Time
		case "OrderCompleted", "OrderCancelled":
			to[e.Key] = e.Time
		}
	}
	took := map[string][]time.Duration{}
	for _, order := range f.placed {
		if !to[order].IsZero() {
			of := stage(from[order])
			took[of] = append(took[of], to[order].Sub(from[order]))
		}
	}
	return took
}

// flows prints the flows of the orders that a verdict names.
func flows(w io.Writer, seen *e2e.Seen, verdict error) {
	const most = 20 // flows: no reader looks at more
	text, n := verdict.Error(), 0
	for _, order := range slices.Sorted(maps.Keys(seen.Orders)) {
		if !strings.Contains(text, order) {
			continue
		}
		if n++; n > most {
			fmt.Fprintln(w, "and more orders")
			return
		}
		_ = e2e.Print(w, slices.DeleteFunc(slices.Clone(seen.Facts), func(f e2e.Fact) bool { return f.Key != order })) // to a terminal
	}
}
