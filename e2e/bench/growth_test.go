package bench

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGrowthIsWrittenFromTheResults(t *testing.T) {
	var of [3]Results
	for i, name := range []string{"long", Embedded, Real} {
		var err error
		if of[i], err = Read("testdata/growth-" + name + ".json"); err != nil {
			t.Fatal(err)
		}
	}
	page, files := Growth(of[0], of[1:]...)
	files["growth.md"] = page
	compareDocs(t, "growth", files)
}

func TestGrowthIsTheSlopeOfAllPlaces(t *testing.T) {
	r := Results{Version: Version, World: Embedded}
	for name, cpu := range map[string]float64{"A": 5, "A lines=1": 4, "A lines=4": 7, "A open=10": 9, "A hot=20": 5} {
		r.Runs = append(r.Runs, Run{Arm: name, Point: Saturated, Rate: 1000 / cpu, Parts: map[string]Part{"order": {CPU: cpu, Memory: 30}}})
	}
	page, files := Growth(Results{}, r)
	for _, line := range []string{
		"| 2 | 200 | 0.00 | 5.00 | 30.0 |",
		"From 1 to 4: 0.571 times the orders a second. By the slope, 1 more cost +1 ms of CPU an order and +0 MiB of memory.",
		"From 10 to 1500: 1.80 times the orders a second. By the slope, 1000 more cost -2.7 ms of CPU an order and +0 MiB of memory.",
		"![](growth/embedded-hot-rate.svg) ![](growth/embedded-hot-cpu.svg)",
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(page, "partitions of each topic\n") || len(files) != 6 {
		t.Errorf("%d pictures; a dimension of one place has no slope", len(files))
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestTimeIsToldByTheMinute(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := newBook(0)
	for second := range 150 { // one order a second, two in the second minute
		for range 1 + second/60%2 {
			at := start.Add(time.Duration(second) * time.Second)
			b.ended = append(b.ended, span{at.Add(-100 * time.Millisecond), at})
		}
	}
	const mib = 1 << 20
	minutes := b.minutes(window{start, start.Add(150 * time.Second)}, []int64{100 * mib, 120 * mib, 900 * mib})
	if len(minutes) != 2 || minutes[0].Rate != 1 || minutes[1].Rate != 2 || minutes[1].Memory != 120 || math.Abs(minutes[1].P99-100) > 1 {
		t.Errorf("a minute that was cut short has no figures: %+v", minutes)
	}
	run := Run{Arm: gated, Completed: 180, Minutes: minutes, Kept: map[string]float64{"order.orders": 1, "order.outbox": 0.0001}}
	page, _ := Growth(Results{Runs: []Run{run}})
	for _, line := range []string{
		"### A, 2 minutes", "| 2 | 2.00 | 100 | 120 |", "| order.orders | 1.00 |",
		"180 orders were completed. The last minute's completed/s over the first's: 2.00 (at least 0.950; reached, and the stretch). Memory, last over first: 1.20.",
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(page, "outbox") {
		t.Error("a table that is empty is named")
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestAnArmThatDiffersSaysHow(t *testing.T) {
	if arm, v, err := parse("A"); err != nil || arm != "A" || v.lines != 2 || v.open != Outstanding {
		t.Errorf("A is %q, %+v, %v", arm, v, err)
	}
	_, v, err := parse("A partitions=48")
	if diff := cmp.Diff([]string{"TOPIC_PARTITIONS=48"}, v.env); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, want := range map[string]string{
		"A shelves=3": `"A shelves=3" differs in nothing that is known: lines, hot, poison, open, history, backlog, instances, partitions`,
		"A lines=21":  `"A lines=21": lines is a number up to 20`,
		"A lines=0":   `"A lines=0": lines is a number up to 20`,
		"A hot":       `"A hot": hot is a number up to 100`,
		"T lines=4":   `"T lines=4": only A differs`,
	} {
		if _, _, err := parse(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestACartHasALineForEachArticle(t *testing.T) {
	firsts := map[string]int{}
	for n := range 100 {
		seen := map[string]bool{}
		cart := variant{lines: shelves, hot: 20}.cart(n)
		for _, line := range cart {
			seen[line.SKU] = true
		}
		if len(seen) != shelves {
			t.Errorf("order %d: %d articles in %d lines", n, len(seen), len(cart))
		}
		firsts[cart[0].SKU]++
	}
	if firsts[sku(0)] < 20 || firsts[sku(0)] > 25 {
		t.Errorf("%d of 100 want the first article", firsts[sku(0)])
	}
}
