package bench

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"
)

func TestPerformanceIsWrittenFromTheResults(t *testing.T) {
	var worlds []Results
	for _, path := range []string{"testdata/embedded.json", "testdata/real.json"} {
		r, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		worlds = append(worlds, r)
	}
	compareDocs(t, "ledger", map[string]string{"performance.md": Document(worlds...), "capacity.md": Capacity(worlds[1])})
	growth, err := Read("testdata/growth-real.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := Readme(string(text), Tradeoffs(worlds[0], worlds[1], growth))
	if err != nil {
		t.Fatal(err)
	}
	compareDocs(t, "ledger", map[string]string{"../README.md": readme})
}

func TestATradeOffWithoutAFigureIsLeftOut(t *testing.T) {
	r := Results{}
	for arm, n := range map[string]float64{"A": 300, "T": 1000, "U": 400} {
		r.Runs = append(r.Runs, Run{Arm: arm, Point: Saturated, Rate: n, Parts: map[string]Part{"order": {CPU: 2}}})
	}
	table := Tradeoffs(Results{}, r, Results{})
	for _, want := range []string{"| 0.750 times the orders/s: the price of losing nothing |", "| 0.300 times the orders/s |"} {
		if !strings.Contains(table, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(table, "Watermill") || strings.Contains(table, "instances") {
		t.Error("an arm that was not measured has a row")
	}
	if t.Failed() {
		t.Log(table)
	}
	if _, err := Readme("no marks", table); err == nil {
		t.Error("a README without a place for the table is written")
	}
}

// compareDocs compares files of docs/ with the output of a command of bench.
func compareDocs(t *testing.T, command string, files map[string]string) {
	t.Helper()
	for path, want := range files {
		have, err := os.ReadFile("../../docs/" + path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(have), want); diff != "" {
			t.Errorf("`bin/bench %s` writes another %s (-have +new):\n%s", command, path, diff)
		}
	}
}

func TestALedgerSumsUpItsSteps(t *testing.T) {
	page := Document(sample())
	for _, line := range []string{
		"| commit: fsync | 1.00 | 1.00 | 57 % |",
		"| unnamed | 0.250 | 0.250 | 14 % |",
		"The named steps are 1.50 of 2.00 ms that the kernel counts for the services: 75 %.",
		"| half: p99, ms | embedded | 250 |  | 0.00 | not measured |",
		"| 20/s: p99, ms | embedded | 40.0 |  | 9.00 | reached |",
		"| sat: completed/s | embedded | 1400 |  | 100 | missed: 14.0 times too little |",
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestASampleIsOfTheFirstStepThatClaimsIt(t *testing.T) {
	stack := func(ns int64, functions ...string) *profile.Sample {
		s := &profile.Sample{Value: []int64{1, ns}}
		for _, name := range functions { // the innermost first
			s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}})
		}
		return s
	}
	const engine = "github.com/quintet-eda/quintet/pkg/engine.(*Engine[go.shape.struct {}])"
	got, err := byStep(&profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		Sample: []*profile.Sample{
			stack(1, "modernc.org/sqlite/lib._unixSync", "github.com/quintet-eda/quintet/pkg/store.(*Tx).commit", engine+".transact"),
			stack(2, "modernc.org/sqlite.(*tx).exec", "github.com/quintet-eda/quintet/pkg/store.(*Tx).commit", engine+".transact"),
			stack(4, "database/sql.(*Stmt).ExecContext", "github.com/quintet-eda/quintet/pkg/store.(*Tx).Commit", engine+".transact"),
			stack(8, "runtime.gcAssistAlloc", engine+".fold", engine+".transact"),
			stack(16, "encoding/json.Marshal", engine+".fold", engine+".try", engine+".transact"),
			stack(32, "example.com/unheard.Of"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]time.Duration{
		"commit: fsync": 1, "commit: the rest": 2, "write what changed": 4, "garbage collection": 8, "react": 16, unnamed: 32,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := byStep(&profile.Profile{SampleType: []*profile.ValueType{{Type: "inuse_space", Unit: "bytes"}}}); err == nil {
		t.Error("a profile of the heap is taken for one of CPU time")
	}
}
