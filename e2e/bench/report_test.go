package bench

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func sample() Results {
	r := Results{
		Version: Version, Began: start, World: Embedded, Warm: 8, For: 12, Arms: map[string]string{"A": "ours", "Y": "yardstick"},
		Machine:  Machine{CPU: "some CPU", Cores: 2, Kernel: "6.1", Go: "go1.26", Sync: 0.5, Durability: "all of it"},
		Failures: []Failure{{"A", 3, "its orders do not add up: one is lost\nand more"}},
	}
	for repetition, n := range []float64{90, 100, 120} {
		for _, arm := range []string{"A", "Y"} {
			if arm == "Y" {
				n *= 10
			}
			r.Runs = append(r.Runs, Run{
				Arm: arm, Point: Saturated, Repetition: repetition + 1, Completed: int(n), Rate: n, Latency: Latency{P50: 5, P99: n / 2},
				Parts:  map[string]Part{"order": {CPU: 40 / n, Memory: 30}, "broker": {CPU: 0.25, Memory: 20}, harness: {CPU: 1}},
				Counts: map[string]float64{"transactions": 3},
			})
		}
		r.Runs = append(r.Runs, Run{
			Arm: "A", Point: few, Repetition: repetition + 1, Completed: 200, Rate: 20, Latency: Latency{P50: 4, P99: 9},
			Parts:  map[string]Part{"order": {CPU: 2, Memory: 30, Disk: 7}, harness: {CPU: 1}},
			Counts: map[string]float64{"allocations": 1000, "bytes allocated": 9000, "statements": 200, "batches committed": 18},
			Steps:  map[string]map[string]float64{"order": {"react": 0.5, "commit: fsync": 1, unnamed: 0.25}},
		})
	}
	return r
}

func TestReportLooksAsItDid(t *testing.T) {
	golden := map[string]string{"report.md": sample().Markdown(), "rate-sat.svg": sample().Plots()["rate-sat.svg"]}
	for name, got := range golden {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestResultsAreReadAsTheyWereWritten(t *testing.T) {
	dir := t.TempDir()
	if err := sample().Report(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
	}
}

func TestAFigureIsTheMedianWithItsSpread(t *testing.T) {
	if got := figure([]float64{3, 1, 2, 9}); got != (Figure{2, 1, 9}) {
		t.Error(got)
	}
	if got := figure([]float64{120, 90.4, 100}).String(); got != "100 (90.4–120)" {
		t.Error(got)
	}
}

func TestTheGateFailsWhenOursGetsSlower(t *testing.T) {
	before, err := sample().Numbers()
	if err != nil {
		t.Fatal(err)
	}
	if worse := before.Against(before); worse != nil {
		t.Errorf("equal figures: %v", worse)
	}
	slower := sample()
	for _, run := range slower.Runs {
		for name := range run.Counts {
			run.Counts[name] *= 1.06
		}
	}
	for i := range slower.Runs {
		if slower.Runs[i].Arm == gated {
			slower.Runs[i].Rate *= 0.5
			slower.Runs[i].Parts["order"] = Part{CPU: 2 * slower.Runs[i].Parts["order"].CPU}
		}
	}
	now, err := slower.Numbers()
	if err != nil {
		t.Fatal(err)
	}
	if worse := now.Against(before); len(worse) != len(held) {
		t.Errorf("half as fast: %v", worse)
	}
}

func TestTheGateForgivesASlowMachine(t *testing.T) {
	before, err := sample().Numbers()
	if err != nil {
		t.Fatal(err)
	}
	slow := sample()
	for i := range slow.Runs {
		slow.Runs[i].Rate /= 3
	}
	now, err := slow.Numbers()
	if err != nil {
		t.Fatal(err)
	}
	if worse := now.Against(before); worse != nil {
		t.Errorf("both arms are slow: %v", worse)
	}
}

func TestAProcessIsReadPastItsName(t *testing.T) {
	p, err := parseStat([]byte("7 (a) b (c) S 3 7 7 0 -1 0 1 2 3 4 10 20 30 40 20 0\n"))
	if err != nil || p != (process{parent: 3, ticks: 100}) {
		t.Error(p, err)
	}
	if _, err := parseStat([]byte("7 (a) S")); err == nil {
		t.Error("half a line is read")
	}
}

func TestAPlanIsRefusedWithAReason(t *testing.T) {
	for points, want := range map[string]string{"half sat": "put \"sat\" first", "20 fast": "no rate", "-1": "no rate", "sat half 20": ""} {
		err := Plan{Points: strings.Fields(points), Repeat: 1, For: 1, Warm: 1}.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", points, err)
		}
	}
}
