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
// database. A client that asks in an outage wants the available counts, and soon.
const patience = 2 * time.Second

// maxAsking bounds the requests to a broker that does not answer. The broker client's
// calls take no context, so a caller that stops waiting leaves a goroutine behind.
const maxAsking = 4

var errSilent = fmt.Errorf("there was no answer within %s", patience)

// pending counts the work that a service has left, for GET /pending and its gauges.
type pending struct {
	counts func(context.Context) (engine.Pending, error)
	lag    func(context.Context) (int64, error)
	asking chan struct{}
}

func newPending(counts func(context.Context) (engine.Pending, error), lag func(context.Context) (int64, error)) *pending {
	return &pending{counts, lag, make(chan struct{}, maxAsking)}
}

// count returns the counts. noLag is the reason why the lag is unknown, and noCounts
// why the others are.
func (p *pending) count(ctx context.Context) (counts engine.Pending, noLag, noCounts error) {
	// The lag comes first: an input that is consumed after it shows in the counts.
	behind, noLag := p.patiently(ctx)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	counts, noCounts = p.counts(ctx)
	counts.Lag = behind
	return counts, noLag, noCounts
}

// answer returns the answer to GET /pending: engine.Pending. A count that is unknown
// now is null, never 0, and stands under "unknown" with the reason. The status is 200
// even if every count is unknown: /readyz reports whether the service can go on.
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

// patiently asks for the lag and stops waiting when patience ends. Two callers never
// share an answer: the answer to an earlier one may be too old for a later one.
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

// fields returns the counts by their names in JSON.
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
