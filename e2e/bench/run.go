package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/quintet-eda/quintet/e2e"
)

// The points that are not a rate.
const (
	Saturated = "sat"  // as many open orders as [Outstanding]
	Half      = "half" // half of the same arm's saturated rate
	Peer      = "peer" // [peerShare] of the saturated rate of W', for W' and A; W' comes first
)

const (
	rival     = "W'"
	peerShare = 0.8
)

const (
	upBound   = 2 * time.Minute
	ageBound  = 20 * time.Minute
	restBound = 2 * time.Minute       // after a window; the last orders were placed at its end
	slowest   = 20 * time.Millisecond // for each order of a backlog, when it drains
	longRun   = 2 * time.Minute       // a window of at least this length is reported by the minute
)

// Plan is the plan of a measurement.
type Plan struct {
	World  World
	Arms   []string
	Peers  string // directory of their programs
	Self   string // this program
	Points []string
	Repeat int
	Warm   time.Duration // orders come as in the window, which follows
	For    time.Duration
	Out    string // directory of the results, which are written after each repetition
}

// Check returns the first fault of a plan.
func (p Plan) Check() error {
	saturated := false
	for _, point := range p.Points {
		rate, err := strconv.ParseFloat(point, 64)
		switch {
		case point == Saturated:
			saturated = true
		case (point == Half || point == Peer) && !saturated:
			return fmt.Errorf("%q is a part of what an arm did before: put %q first", point, Saturated)
		case point != Half && point != Peer && (err != nil || rate <= 0):
			return fmt.Errorf("%q is no rate, %q, %q or %q", point, Saturated, Half, Peer)
		}
	}
	if p.Repeat < 1 || p.For <= 0 || p.Warm <= 0 {
		return errors.New("repetitions and times must be positive")
	}
	return nil
}

// Measure carries out a plan. An arm that fails has no number, and the others continue.
func (p Plan) Measure(ctx context.Context, say func(string, ...any)) (Results, error) {
	arms, err := programs{p.World.Bin, p.Peers, p.Self}.find(p.Arms, say)
	if err != nil {
		return Results{}, err
	}
	machine, err := thisMachine(p.World.Name)
	if err != nil {
		return Results{}, err
	}
	r := Results{
		Version: Version, Began: time.Now().UTC(), World: p.World.Name, Machine: machine,
		Warm: p.Warm.Seconds(), For: p.For.Seconds(), Arms: map[string]string{},
	}
	for _, arm := range arms {
		r.Arms[arm.Name] = arm.Tells
	}
	for repetition := range p.Repeat {
		// Each repetition begins with another arm, so that the first place rotates.
		first := repetition % len(arms)
		for _, arm := range slices.Concat(arms[first:], arms[:first]) {
			runs, err := p.one(ctx, arm, r.of(rival, Saturated, rate).Median, say)
			if ctx.Err() != nil {
				return r, context.Cause(ctx)
			}
			if err != nil {
				say("%d/%d %s: no number: %v", repetition+1, p.Repeat, arm.Name, err)
				r.Failures = append(r.Failures, Failure{arm.Name, repetition + 1, err.Error()})
				continue
			}
			for _, run := range runs {
				run.Repetition = repetition + 1
				r.Runs = append(r.Runs, run)
				say("%d/%d %s", repetition+1, p.Repeat, run)
			}
		}
		if err := r.Report(p.Out); err != nil { // the results so far
			return r, err
		}
	}
	return r, nil
}

// one brings an arm up, measures it at all points and checks its orders. peer is the
// saturated rate of W'; 0 while it is unknown.
func (p Plan) one(ctx context.Context, arm Arm, peer float64, say func(string, ...any)) (runs []Run, err error) {
	starting, cancel := context.WithTimeout(ctx, upBound)
	defer cancel()
	s, err := p.World.Up(starting, arm)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Down()) }()
	if arm.inside != nil {
		run, err := arm.inside(ctx, s, p)
		run.Arm = arm.Name
		return []Run{run}, err
	}
	c := e2e.NewClient(s.Target)
	defer c.Close()
	if slices.Contains(arm.services, "inventory") && arm.Proof >= OfLedgers {
		if err := stock(ctx, c); err != nil {
			return nil, err
		}
	}
	accepted, err := p.age(ctx, s, c)
	if err != nil {
		return nil, err
	}
	if s.arm.backlog > 0 {
		run, ids, err := p.drain(ctx, s, c)
		if err != nil {
			return nil, fmt.Errorf("backlog: %w", err)
		}
		return []Run{run}, s.proved(ctx, c, slices.Concat(accepted, ids), say)
	}
	saturated := 0.0
	for _, point := range p.Points {
		rate, _ := strconv.ParseFloat(point, 64) // 0: as fast as they end
		switch point {
		case Half:
			rate = saturated / 2
		case Peer:
			if arm.Name == rival {
				peer = saturated
			}
			if rate = peerShare * peer; rate == 0 || arm.Name != rival && arm.Name != gated {
				continue
			}
		}
		run, ids, err := p.window(ctx, s, c, rate)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", point, err)
		}
		if run.Point = point; point == Saturated {
			saturated = run.Rate
		}
		runs, accepted = append(runs, run), append(accepted, ids...)
	}
	return runs, s.proved(ctx, c, accepted, say)
}

// proved checks all orders, and reports that they add up.
func (s *System) proved(ctx context.Context, c *e2e.Client, accepted []string, say func(string, ...any)) error {
	begun := time.Now()
	if err := s.check(ctx, c, accepted); err != nil {
		return err
	}
	say("%s: %d orders add up, seen in %.1f s", s.arm.Name, len(accepted), time.Since(begun).Seconds())
	return nil
}

// age makes a system complete the orders of the arm's history.
func (p Plan) age(ctx context.Context, s *System, c *e2e.Client) ([]string, error) {
	if s.arm.history == 0 {
		return nil, nil
	}
	b := newBook(s.arm.open)
	stop, err := watch(ctx, s.Target.Brokers, b.complete)
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := newBuyer(c, b, s).drive(ctx, load{orders: s.arm.history, lasts: ageBound}, time.Now()); err != nil {
		return nil, err
	}
	resting, cancel := context.WithTimeout(ctx, restBound)
	defer cancel()
	if err := s.rest(resting, c, b); err != nil {
		return nil, err
	}
	if n := len(b.accepted); n < s.arm.history {
		return nil, fmt.Errorf("%d of %d orders came about in %s: %w", n, s.arm.history, ageBound, cmp.Or(b.reason, context.DeadlineExceeded))
	}
	return b.accepted, nil
}

// String is a run in one line, for the terminal.
func (r Run) String() string {
	return fmt.Sprintf("%-2s %-5s %6.1f/s completed, p50 %.0f ms, p99 %.0f ms, services %.2f ms of CPU an order, all %.2f",
		r.Arm, r.Point, r.Rate, r.Latency.P50, r.Latency.P99, services(r), everything(r))
}
