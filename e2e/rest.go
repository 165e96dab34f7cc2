package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// pollEvery is the interval at which a condition is polled.
	pollEvery = 20 * time.Millisecond
	// lookBound is how long one poll may take. A frozen process answers no request;
	// the next poll may reach another instance.
	lookBound = 5 * time.Second
)

// Until polls a condition until it holds. An error of the condition counts as "not
// yet": the system may answer a later poll. When ctx ends, the error names the
// condition and its last error.
func Until(ctx context.Context, what string, holds func(context.Context) (bool, error)) error {
	ticks := time.NewTicker(pollEvery)
	defer ticks.Stop()
	var last error
	for {
		looking, cancel := context.WithTimeout(ctx, lookBound)
		held, err := holds(looking)
		cancel()
		if held && err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err // an error caused by the end of ctx explains nothing
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waited in vain until %s: %w", what, context.Cause(ctx)), last)
		}
	}
}

// busy lists a service's work left to do, and the unknown counts; empty for a service at
// rest.
func busy(name string, p Pending) string {
	var of []string
	for _, c := range []struct {
		what string
		n    int64
	}{{"lag", p.Lag}, {"queued", p.Queued}, {"outbox", p.Outbox}, {"effects", p.Effects}, {"timers", p.Timers}, {"parked", p.Parked}} {
		if c.n != 0 {
			of = append(of, fmt.Sprintf("%s %d", c.what, c.n))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(p.Unknown)) {
		of = append(of, fmt.Sprintf("%s unknown (%s)", what, p.Unknown[what]))
	}
	if len(of) == 0 {
		return ""
	}
	return name + ": " + strings.Join(of, ", ")
}

// Quiesce returns once the system is at rest. In two polling rounds in a row no service
// has work left. Between them no service has handled an input. One round would not
// suffice, since it polls one service after the other. The first service reports no lag.
// The last one publishes an event. The second round shows that event, as lag or as
// handled.
//
// When ctx ends first, the error lists the work left.
func (c *Client) Quiesce(ctx context.Context) error {
	var before map[string]int64 // the handled counts of a round without work left
	return Until(ctx, "the system is at rest", func(ctx context.Context) (bool, error) {
		handled := map[string]int64{}
		var left []error
		for _, name := range serviceNames {
			p, err := c.pending(ctx, name)
			if err != nil {
				left = append(left, err)
				continue
			}
			if text := busy(name, p); text != "" {
				left = append(left, errors.New(text))
			}
			handled[name] = p.Handled
		}
		if len(left) > 0 {
			before = nil
			return false, errors.Join(left...)
		}
		same := before != nil
		for name, n := range handled {
			same = same && before[name] == n
		}
		before = handled
		return same, nil
	})
}

// idle returns once one service has handled all records that it can read now, and has
// published its events.
func (c *Client) idle(ctx context.Context, name string) error {
	return Until(ctx, name+" has taken in everything", func(ctx context.Context) (bool, error) {
		p, err := c.pending(ctx, name)
		if err != nil {
			return false, err
		}
		if p.Lag != 0 || p.Queued != 0 || p.Outbox != 0 || len(p.Unknown) > 0 {
			return false, errors.New(busy(name, p))
		}
		return true, nil
	})
}
