package engine

import (
	"context"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Run handles inputs until ctx ends, and then the inputs that are still queued. It
// returns when every committed event is published or stop has passed. Run waits for a
// database that is out of reach, and Missing reports it.
func (e *Engine[S]) Run(ctx context.Context, stop time.Duration) {
	e.Turns.next("start", "")
	if !e.firstLook(ctx) {
		return // stopped before it began
	}
	e.open.Store(true)
	// Calls, timers and lanes make inputs, so they end first. The loop goes on
	// until the queue is empty. The relay ends last, since the loop feeds it.
	follow, stopFollow := context.WithCancel(context.WithoutCancel(ctx))
	attempts, stopAttempts := context.WithCancel(context.WithoutCancel(ctx))
	loop, stopLoop := context.WithCancel(context.WithoutCancel(ctx))
	publish, stopPublish := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFollow()
	defer stopAttempts()
	defer stopLoop()
	defer stopPublish()
	var feeding, looping, publishing sync.WaitGroup
	e.calls.attempts = attempts
	feeding.Go(func() { e.calls.run(follow) })
	feeding.Go(func() { e.timers.run(follow) })
	feeding.Go(func() { e.lanes.run(follow) })
	looping.Go(func() { e.loop(loop) })
	publishing.Go(func() { e.relay.run(publish) })
	if e.DB.Shared() {
		publishing.Go(func() { e.keepLeases(publish) })
		publishing.Go(func() { e.notifier.send(publish) })
		publishing.Go(func() { e.notifier.pass(publish) })
		publishing.Go(func() {
			e.DB.Listen(publish, e.notifier.hear, func() {
				e.Turns.next("listen", "")
				e.Wake() // hints may have been lost
			})
		})
	}

	<-ctx.Done()
	e.Turns.next("stop", "")
	e.open.Store(false)
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), stop)
	defer cancel()
	stopFollow()
	cutAttempts := time.AfterFunc(stop/2, stopAttempts)
	feeding.Wait()
	e.Turns.next("drain", "")
	cutAttempts.Stop()
	e.drain(deadline)
	stopLoop()
	looping.Wait()
	stopPublish()
	publishing.Wait()
}

// drain waits until no input is queued and the broker has every event, or until the
// deadline. The work that is left then is in the tables, for the next start.
func (e *Engine[S]) drain(deadline context.Context) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	// An empty queue does not mean that every input is committed. The loop may
	// have taken the last inputs and not committed them. This one comes after them.
	_, _ = e.submit(deadline, &input{Input: flow.Input{ID: "drain"}, control: func(*batch) {}})
	for len(e.inputs) > 0 || e.relay.left(deadline) {
		if !e.Turns.await(deadline, nil, look.C, "drain", "") {
			e.Log.Warn("stopping with work left; it goes on at the next start, or elsewhere", "queued", len(e.inputs), "unpublished", e.relay.backlog.Load())
			return
		}
	}
}

// firstLook looks at the leases until that succeeds. It reports false when ctx ended
// first.
func (e *Engine[S]) firstLook(ctx context.Context) bool {
	for failures := 1; ; failures++ {
		err := e.look(ctx)
		if err == nil {
			e.missing.Delete("database")
			return true
		}
		e.missing.Store("database", err.Error())
		if !e.Turns.pause(ctx, failures, "first look") {
			return false
		}
	}
}

// leaseEvery is how often an instance beats, and looks at the others.
const leaseEvery = time.Second

// keepLeases keeps this instance's leases until ctx ends, and then gives them up.
func (e *Engine[S]) keepLeases(ctx context.Context) {
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for e.Turns.await(ctx, nil, tick.C, "look at leases", "") {
		_ = e.look(ctx) // Missing reports the error
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime)
	defer cancel()
	if err := e.leases.leave(bounded); err != nil {
		e.Log.Warn("release leases: they expire", "error", err)
	}
}

// look looks at the leases once, and wakes the followers when it has taken any.
func (e *Engine[S]) look(ctx context.Context) error {
	c, err := e.leases.look(context.WithoutCancel(ctx), func(shard int) bool { return e.calls.rows.quiet(shard) && e.relay.rows.quiet(shard) })
	e.Turns.next("leases were looked at", "")
	if err == nil {
		e.missing.Delete("leases")
	} else {
		e.missing.Store("leases", err.Error())
		e.Log.Warn("look at leases", "error", err)
		c.lost += e.leases.dropStale()
	}
	if c != (changes{}) {
		e.Log.Info("leases", "gained", c.taken, "lost", c.lost, "giving_back", c.leaving, "held", e.leases.count())
	}
	if c.taken > 0 {
		e.Wake()
	}
	e.Metrics.shards.Set(float64(e.leases.count()))
	return err
}
