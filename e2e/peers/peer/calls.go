package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// call is an external call that a reaction asked for.
type call struct {
	flow.Call
	trace  record.Trace
	effect any
}

// concurrentCalls bounds the calls of a batch that are under way, as the product does.
const concurrentCalls = 256

// perform makes the calls at once, and returns their results as inputs in the order
// of the calls. Those of one key are made one after the other.
func perform(ctx context.Context, callHandlers map[string]flow.CallHandler, calls []call) ([]*Input, error) {
	byKey := map[string][]int{}
	for i, c := range calls {
		byKey[c.Key] = append(byKey[c.Key], i)
	}
	results, errs := make([]*Input, len(calls)), make([]error, len(calls))
	free := make(chan struct{}, concurrentCalls)
	var making sync.WaitGroup
	for _, of := range byKey {
		free <- struct{}{}
		making.Go(func() {
			defer func() { <-free }()
			for _, i := range of {
				results[i], errs[i] = calls[i].make(ctx, callHandlers[flow.Name(calls[i].effect)])
			}
		})
	}
	making.Wait()
	return results, errors.Join(errs...)
}

// make attempts the call until it is answered or its policy's budget is spent.
func (c call) make(ctx context.Context, p flow.CallHandler) (*Input, error) {
	answered := func(result any) *Input {
		return &Input{Input: flow.Input{Kind: flow.KindResult, Name: p.Result, ID: "result/" + c.ID, Key: c.Key, Body: result}, Trace: c.trace}
	}
	unknown, began := false, time.Now()
	for c.Attempt = 1; ; c.Attempt++ {
		result, err := c.once(ctx, p)
		if err == nil {
			return answered(result), nil
		}
		unknown = unknown || !errors.Is(err, flow.ErrNoEffect)
		spent := p.Policy.Attempts > 0 && c.Attempt >= p.Policy.Attempts || p.Policy.MaxElapsed > 0 && time.Since(began) >= p.Policy.MaxElapsed
		if spent || p.Policy.AtMostOnce && unknown {
			return answered(p.GiveUp(c.effect, unknown)), nil
		}
		if !wait(ctx, min(time.Duration(c.Attempt)*100*time.Millisecond, 5*time.Second)) {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

func (c call) once(ctx context.Context, p flow.CallHandler) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Policy.Timeout)
	defer cancel()
	return p.Do(ctx, c.Call, c.effect)
}

// wait reports whether the time has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
