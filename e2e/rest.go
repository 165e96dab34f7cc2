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
	// pollEvery is how often a condition is looked at.
	pollEvery = 20 * time.Millisecond
	// lookBound is how long one look may take. What is asked of a process that is
	// frozen is answered by nobody; the next look may go to another.
	lookBound = 5 * time.Second
)

// Until looks at a condition until it holds. An error of the condition counts
// as "not yet": what the system does not answer now, it may answer later. When
// ctx ends, the error says what was waited for and how it stood last.
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
			last = err // an error that is the end of ctx says nothing
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waited in vain until %s: %w", what, context.Cause(ctx)), last)
		}
	}
}

// busy says what a service still has to do, or may have; nothing when it is at
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

// Quiesce returns once the system is at rest: no service has anything left to
// do in two rounds of questions in a row, and none has taken anything in between
// them. One round would not do: it asks one service after the other, and an event
// can be published by the last after the first was found without lag. In the
// second round it shows, as lag or as handled.
//
// When ctx ends first, the error tells what is left.
func (c *Client) Quiesce(ctx context.Context) error {
	var before map[string]int64 // handled, of a round in which nothing was left
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

// idle returns once one service has taken in all that it can read now, and has
// published what came of it.
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
