package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/quintet-eda/quintet/e2e"
)

// window measures a system at one rate, and waits until it is at rest.
func (p Plan) window(ctx context.Context, s *System, c *e2e.Client, rate float64) (Run, []string, error) {
	most := 0
	if rate == 0 {
		most = s.arm.open
	}
	b := newBook(most)
	if s.arm.Proof != OfAnswers {
		stop, err := watch(ctx, s.Target.Brokers, b.complete)
		if err != nil {
			return Run{}, nil, err
		}
		defer stop()
	}
	buyer := newBuyer(c, b, s)
	run, err := p.observe(ctx, s, c, b, func(begin time.Time) error {
		return buyer.drive(ctx, load{rate: rate, warm: p.Warm, lasts: p.For}, begin)
	})
	run.Offered = math.Round(rate*10) / 10
	return run, b.accepted, err
}

// drain measures a system that works off a backlog: its orders were placed while only the
// first service ran.
func (p Plan) drain(ctx context.Context, s *System, c *e2e.Client) (Run, []string, error) {
	for _, service := range s.arm.services[1:] {
		if err := s.stack.Terminate(service); err != nil {
			return Run{}, nil, err
		}
	}
	b := newBook(s.arm.backlog)
	stop, err := watch(ctx, s.Target.Brokers, b.complete)
	if err != nil {
		return Run{}, nil, err
	}
	defer stop()
	if err := newBuyer(c, b, s).drive(ctx, load{orders: s.arm.backlog, lasts: ageBound}, time.Now()); err != nil {
		return Run{}, nil, err
	}
	if err := s.start(ctx, s.arm.services[1:]); err != nil {
		return Run{}, nil, err
	}
	if err := s.know(); err != nil {
		return Run{}, nil, err
	}
	run, err := p.observe(ctx, s, c, b, func(begin time.Time) error {
		if err := until(ctx, begin.Add(p.Warm+p.For)); err != nil {
			return err
		}
		if b.open() == 0 {
			return fmt.Errorf("%d orders were gone before the window's end", s.arm.backlog)
		}
		return nil
	})
	run.Point = Saturated
	return run, b.accepted, err
}

// observe measures a system over a window while load runs, and waits until it is at rest.
func (p Plan) observe(ctx context.Context, s *System, c *e2e.Client, b *book, load func(begin time.Time) error) (Run, error) {
	begin := time.Now()
	w := window{begin.Add(p.Warm), begin.Add(p.Warm + p.For)}
	m := meter{parts: s.parts}
	metering := make(chan error, 1)
	var from, to map[string]float64
	go func() { metering <- s.meterOver(ctx, w, &m, &from, &to) }()
	profiles := make(chan profiledOne, len(s.prof))
	for name, address := range s.prof {
		go func() {
			steps, err := profileOver(ctx, address, w)
			profiles <- profiledOne{name, steps, err}
		}()
	}
	err := load(begin)
	if err = errors.Join(err, <-metering); err != nil {
		return Run{}, err
	}
	resting, cancel := context.WithTimeout(ctx, restBound+time.Duration(s.arm.backlog)*slowest)
	defer cancel()
	if err := s.rest(resting, c, b); err != nil {
		return Run{}, err
	}
	n := b.completed(w)
	if n == 0 {
		return Run{}, errors.Join(errors.New("no order was completed within the window"), b.reason)
	}
	steps, err := collect(profiles, n)
	if err != nil {
		return Run{}, err
	}
	run := Run{
		Steps: steps,
		Arm:   s.arm.Name, Completed: n, Refused: b.refused, Rate: float64(n) / p.For.Seconds(),
		Latency: b.latency(w), Parts: m.used(n), Counts: perOrder(from, to, n),
	}
	if p.For >= longRun {
		run.Minutes = b.minutes(w, m.minutes)
		run.Kept, err = s.kept(ctx, len(b.accepted))
	}
	return run, err
}

// meterOver reads all meters at the window's ends.
func (s *System) meterOver(ctx context.Context, w window, m *meter, from, to *map[string]float64) (err error) {
	if err := until(ctx, w.from); err != nil {
		return err
	}
	if *from, err = s.counted(ctx); err != nil {
		return err
	}
	if err := m.over(ctx, w); err != nil {
		return err
	}
	*to, err = s.counted(ctx)
	return err
}
