package bench

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGrowthIsWrittenFromTheResults(t *testing.T) {
	r, err := Read("testdata/growth.json")
	if err != nil {
		t.Fatal(err)
	}
	page, files := Growth(r)
	files["growth.md"] = page
	compareDocs(t, "growth", files)
}

func TestGrowthIsTheSlopeOfAllPlaces(t *testing.T) {
	r := Results{Version: Version, World: Embedded}
	for name, cpu := range map[string]float64{"A": 5, "A lines=1": 4, "A lines=4": 7, "A open=10": 9, "A hot=20": 5} {
		r.Runs = append(r.Runs, Run{Arm: name, Point: Saturated, Rate: 1000 / cpu, Parts: map[string]Part{"order": {CPU: cpu, Memory: 30}}})
	}
	page, files := Growth(r)
	for _, line := range []string{
		"| 2 | 200 | 0.00 | 5.00 | 30.0 |",
		"From 1 to 4: 0.571 times the orders a second. By the slope, 1 more cost +1 ms of CPU an order and +0 MiB of memory.",
		"From 10 to 1500: 1.80 times the orders a second. By the slope, 1000 more cost -2.7 ms of CPU an order and +0 MiB of memory.",
		"![](growth/hot-rate.svg) ![](growth/hot-cpu.svg)",
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

func TestAnArmThatDiffersSaysHow(t *testing.T) {
	if arm, v, err := parse("A"); err != nil || arm != "A" || v.lines != 2 || v.open != Outstanding {
		t.Errorf("A is %q, %+v, %v", arm, v, err)
	}
	_, v, err := parse("A partitions=48")
	if diff := cmp.Diff([]string{"TOPIC_PARTITIONS=48"}, v.env); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, want := range map[string]string{
		"A shelves=3": `"A shelves=3" differs in nothing that is known: lines, hot, poison, open, history, partitions`,
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
