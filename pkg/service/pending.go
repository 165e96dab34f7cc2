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

// pending answers GET /pending with engine.Pending. A count that cannot be known
// now is null, never 0, and stands under "unknown" with the reason. The answer
// is 200 also when nothing is known: whether the service can go on is /readyz's
// to tell.
func pending(counts func(context.Context) (engine.Pending, error), lag func(context.Context) (int64, error)) func(context.Context) (any, error) {
	asking := make(chan struct{}, maxAsking)
	return func(ctx context.Context) (any, error) {
		unknown := map[string]string{}
		// The lag first: what is taken in after it shows in the counts.
		behind, err := patiently(ctx, asking, lag)
		if err != nil {
			unknown["lag"] = err.Error()
		}
		waiting, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		p, failed := counts(waiting)
		p.Lag = behind
		answer, err := fields(p)
		if err != nil {
			return nil, err
		}
		if failed != nil {
			for name := range answer {
				if name != "lag" {
					unknown[name] = failed.Error()
				}
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
}

// patiently asks for the lag and gives up waiting when patience ends. It never
// shares an answer: one to an earlier question may be older than this one.
func patiently(ctx context.Context, asking chan struct{}, lag func(context.Context) (int64, error)) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case asking <- struct{}{}:
	case <-ctx.Done():
		return 0, silent(ctx)
	}
	type answer struct {
		lag int64
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		defer func() { <-asking }()
		n, err := lag(ctx)
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
