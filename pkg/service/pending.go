package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// patience is how long GET /pending waits for the broker, and then for the
// database: who asks in an outage wants what is known, and soon.
const patience = 2 * time.Second

// maxAsking bounds the questions to a broker that does not answer. The client's
// calls take no context, so whoever does not wait leaves one behind.
const maxAsking = 4

var errSilent = fmt.Errorf("there was no answer within %s", patience)

// pending is what a service has left to do: GET /pending, and gauges of its metrics.
type pending struct {
	counts func(context.Context) (engine.Pending, error)
	lag    func(context.Context) (int64, error)
	asking chan struct{}
}

func newPending(counts func(context.Context) (engine.Pending, error), lag func(context.Context) (int64, error)) *pending {
	return &pending{counts, lag, make(chan struct{}, maxAsking)}
}

// count returns the counts, and why the lag and why the others are not known.
func (p *pending) count(ctx context.Context) (counts engine.Pending, noLag, noCounts error) {
	// The lag first: what is taken in after it shows in the counts.
	behind, noLag := p.patiently(ctx)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	counts, noCounts = p.counts(ctx)
	counts.Lag = behind
	return counts, noLag, noCounts
}

// answer is that to GET /pending: engine.Pending. A count that cannot be known
// now is null, never 0, and stands under "unknown" with the reason. The answer
// is 200 also when nothing is known: whether the service can go on is /readyz's
// to tell.
func (p *pending) answer(ctx context.Context) (any, error) {
	counts, noLag, noCounts := p.count(ctx)
	answer, err := fields(counts)
	if err != nil {
		return nil, err
	}
	unknown := map[string]string{}
	for name := range answer {
		why := noCounts
		if name == "lag" {
			why = noLag
		}
		if why != nil {
			unknown[name] = why.Error()
		}
	}
	for name := range unknown {
		answer[name] = nil
	}
	if len(unknown) > 0 {
		answer["unknown"] = unknown
	}
	return answer, nil
}

// patiently asks for the lag and gives up waiting when patience ends. It never
// shares an answer: one to an earlier question may be older than this one.
func (p *pending) patiently(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case p.asking <- struct{}{}:
	case <-ctx.Done():
		return 0, silent(ctx)
	}
	type answer struct {
		lag int64
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		defer func() { <-p.asking }()
		n, err := p.lag(ctx)
		answered <- answer{n, err}
	}()
	select {
	case a := <-answered:
		return a.lag, a.err
	case <-ctx.Done():
		return 0, silent(ctx)
	}
}

func silent(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errSilent
	}
	return ctx.Err()
}

// fields are the counts by their names in JSON.
func fields(p engine.Pending) (map[string]any, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write what is pending: %w", err)
	}
	var named map[string]json.RawMessage
	if err := json.Unmarshal(text, &named); err != nil {
		return nil, fmt.Errorf("write what is pending: %w", err)
	}
	answer := make(map[string]any, len(named)+1)
	for name, n := range named {
		answer[name] = n
	}
	return answer, nil
}
