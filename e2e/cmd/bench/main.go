// Command bench measures the system and its peers, and writes reports from the results.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/quintet-eda/quintet/e2e/bench"
)

type arguments struct {
	Hop    hop     `cmd:"" hidden:"" help:"Run a service of the arm T."`
	Gate   gate    `cmd:"" help:"Hold results against a baseline; 1 when something got worse."`
	Report report  `cmd:"" help:"Make the report of results again."`
	Growth growth  `cmd:"" help:"Write docs/growth.md from results."`
	Ledger ledger  `cmd:"" help:"Write docs/performance.md and docs/capacity.md from results."`
	Run    measure `cmd:"" help:"Measure, and write results and report."`
}

type measure struct {
	World  string        `help:"embedded or real." default:"embedded" enum:"embedded,real"`
	Arms   []string      `help:"Which are measured." default:"W',A,I,T,D,M,W,N,C,U"`
	Rates  []string      `help:"Orders a second; sat: as fast as they are completed; half: half of that; peer: 80 in 100 of what W' did." default:"sat,half,20"`
	Repeat int           `help:"How often each arm is measured." default:"5"`
	For    time.Duration `help:"How long a measurement lasts." default:"12s"`
	Warm   time.Duration `help:"How long orders come before it." default:"8s"`
	Bin    string        `help:"Directory of the system's programs." default:"bin" type:"existingdir"`
	Peers  string        `help:"Directory of the peers' programs." default:"e2e/peers/bin"`
	Dir    string        `help:"Directory of docker-compose.yml." default:"." type:"existingdir"`
	Out    string        `help:"Directory of results and report." default:".quintet/bench"`

	Profile bool `help:"Have A profiled, for the ledger."`
}

func main() {
	var args arguments
	called := kong.Parse(&args, kong.Name("bench"), kong.Description("Measures what an order costs, and how many are completed."), kong.UsageOnError())
	if err := called.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func say(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

// Run measures.
func (m measure) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	plan := bench.Plan{
		World: bench.World{Name: m.World, Bin: m.Bin, Dir: m.Dir, Profile: m.Profile}, Arms: m.Arms, Peers: m.Peers, Self: self,
		Points: m.Rates, Repeat: m.Repeat, Warm: m.Warm, For: m.For, Out: m.Out,
	}
	if err := plan.Check(); err != nil {
		return err
	}
	_, err = plan.Measure(ctx, say)
	return err
}

type hop struct {
	Service string `arg:""`
}

// Run runs a service.
func (h hop) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return bench.Hop(ctx, h.Service)
}

type report struct {
	Dir string `arg:"" help:"Directory of results.json." default:".quintet/bench"`
}

// Run makes a report.
func (r report) Run() error {
	results, err := bench.Read(filepath.Join(r.Dir, "results.json"))
	if err != nil {
		return err
	}
	return results.Report(r.Dir)
}

// pages are the places of the results and of the documents that are made from them.
type pages struct {
	Results string `help:"Directory of the results." default:"e2e/bench/testdata" type:"existingdir"`
	Out     string `help:"Directory of the pages." default:"docs" type:"existingdir"`
	Readme  string `help:"The file with the table of trade-offs." default:"README.md" type:"existingfile"`
}

// read reads results, each by its name.
func (p pages) read(names ...string) ([]bench.Results, error) {
	all := make([]bench.Results, len(names))
	for i, name := range names {
		var err error
		if all[i], err = bench.Read(filepath.Join(p.Results, name+".json")); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// write writes pages by their names, and the README's table.
func (p pages) write(texts map[string]string) error {
	for name, text := range texts {
		path := filepath.Join(p.Out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	of, err := p.read("embedded", "real", "growth-real")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(p.Readme)
	if err != nil {
		return err
	}
	readme, err := bench.Readme(string(text), bench.Tradeoffs(of[0], of[1], of[2]))
	if err != nil {
		return err
	}
	return os.WriteFile(p.Readme, []byte(readme), 0o644)
}

type ledger struct{ pages }

// Run writes the pages: the cost of one order, and the capacity that follows from it.
func (l ledger) Run() error {
	of, err := l.read("embedded", "real")
	if err != nil {
		return err
	}
	return l.write(map[string]string{"capacity.md": bench.Capacity(of[1]), "performance.md": bench.Document(of...)})
}

type growth struct{ pages }

// Run writes the page, and the pictures that it shows.
func (g growth) Run() error {
	of, err := g.read("growth-long", "growth-embedded", "growth-real")
	if err != nil {
		return err
	}
	page, texts := bench.Growth(of[0], of[1:]...)
	texts["growth.md"] = page
	return g.write(texts)
}

type gate struct {
	Dir      string `arg:"" help:"Directory of results.json." default:".quintet/bench"`
	Baseline string `help:"What the numbers were." default:"e2e/bench/testdata/baseline.json"`
	Move     bool   `help:"Write the baseline anew; it is a commit of its own."`
}

var errWorse = errors.New("it got worse")

// Run holds results against a baseline.
func (g gate) Run() error {
	results, err := bench.Read(filepath.Join(g.Dir, "results.json"))
	if err != nil {
		return err
	}
	now, err := results.Numbers()
	if err != nil {
		return err
	}
	say("%s", now)
	if g.Move {
		return now.Write(g.Baseline)
	}
	before, err := bench.ReadBaseline(g.Baseline)
	if err != nil {
		return err
	}
	worse := now.Against(before)
	for _, line := range worse {
		say("WORSE: %s", line)
	}
	if len(worse) > 0 {
		return errWorse
	}
	return nil
}
