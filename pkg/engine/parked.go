package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
)

// These due times never come. A row with waitingDue waits behind the head of its lane.
// A row with givenUpDue was given up, and waits for the next start.
const (
	waitingDue = 1 << 62
	givenUpDue = waitingDue - 1
)

// waiting is waitingDue in a statement.
var waiting = text(waitingDue)

type parkedID struct {
	lane
	n int64
}

type parkedRow struct {
	parkedID
	inputID  string
	input    []byte
	cause    string
	attempts int
	dead     int // 1: its dead letter is published
	due      int64
	shard    int
}

// ParkPolicy says how the engine retries a parked lane. It retries the head, each time
// after Delay, until the head has failed Attempts times. Then it publishes the head to
// the dead-letter topic. The head waits until an instance takes its shard, as the next
// start of the service does.
type ParkPolicy struct {
	Delay    time.Duration
	Attempts int
}

// park sets an input aside, in the transaction that consumes it. cause is nil
// for an input that only waits: behind another of its lane, or for the registry.
//
// A parked input is consumed: the position moves past it, its inbox entry says parked,
// and its call or timer row is gone. From then on the parked row is the truth.
func (e *Engine[S]) park(b *batch, in *input, cause error) {
	l := in.lane()
	row := &parkedRow{parkedID: parkedID{l, in.parkedN}, inputID: in.ID, input: []byte(mustJSON(in.toPark())), attempts: in.attempts, dead: in.dead, shard: shardOf(in.Key)}
	_, follows := b.heads[l]
	if in.parkedN == 0 {
		row.n = b.key(in.Key).next(b.now)
		switch in.Kind {
		case flow.KindEvent:
			b.setInbox(in, "parked")
		case flow.KindResult:
			b.finish(in.callID)
		case flow.KindTimer:
			b.stopTimer(timerID(in.Key, in.Name))
		}
	}
	if follows && in.parkedN == 0 {
		row.due = waitingDue
		b.out.parked = append(b.out.parked, row)
		return
	}
	if cause != nil { // else it is due at once
		row.cause, row.attempts, row.due = cause.Error(), in.attempts+1, b.now.Add(e.Park.Delay).UnixMicro()
		if row.dead == 0 && row.attempts >= e.Park.Attempts {
			row.dead = 1
			e.deadLetter(b, in, cause) // once, however often a restart retries the input
		}
		if row.dead == 1 {
			row.due = givenUpDue
		}
	}
	b.heads[l] = parkedHead{n: row.n, attempts: row.attempts, dead: row.dead}
	b.out.parked = append(b.out.parked, row)
}

// deadLetter adds the dead letter of an input that could not be handled to the batch.
func (e *Engine[S]) deadLetter(b *batch, in *input, cause error) {
	service, of := e.Participant.Service, in.ID
	if in.record != nil {
		of = fmt.Sprintf("%s/%d/%d", in.record.Topic, in.record.Partition, in.record.Offset)
	}
	letter := record.DeadLetter(in.record, in.Key, in.body(), record.Failure{
		Service: service, Kind: string(in.Kind), Name: in.Name, Input: in.ID, Attempts: in.attempts + 1, Cause: cause,
	})
	b.out.records = append(b.out.records, newOutgoing(flow.DeriveID(in.Key, of, service, "dead-letter", 0), 0, letter))
	b.letters++
}

const (
	lanesAtOnce = 64      // lanes retried at once
	runRows     = 100     // of a lane in one run
	runBytes    = 1 << 20 //
)

// lanes retries the heads of parked lanes, and the rows behind a head that succeeds.
type lanes[S any] struct {
	follower[S, parkedRow]
}

var dueHeads = due(parkedHeads, ``, `t.due, t.lane, t.key`)

func newLanes[S any](e *Engine[S]) *lanes[S] {
	l := &lanes[S]{}
	l.follower = newFollower(e, "parked lanes", dueHeads, lanesAtOnce, func(row *parkedRow) (id, key string, due int64) {
		return row.lane.String(), row.key, row.due
	}, func(ctx context.Context, row parkedRow, _ int64, end func()) {
		l.workers.Go(func() {
			l.e.Turns.next("lane", row.lane.String())
			if err := l.drain(ctx, row.lane); err != nil && ctx.Err() == nil {
				l.e.Log.Error("retry parked lane", "lane", row.source, "key", row.key, "error", err)
				l.postpone(ctx, row.lane)
			}
			end()
		})
	})
	return l
}

// drain hands a lane's rows to the loop, oldest first, until one fails again or
// the lane is empty. It pauses while the relay has more than pageRows rows to
// publish. Otherwise the events of a long lane would come before all others.
func (l *lanes[S]) drain(ctx context.Context, of lane) error {
	for {
		for waits := 1; l.e.relay.pace.Load() > pageRows; waits++ {
			if !l.e.Turns.pause(ctx, waits, of.String()) {
				return ctx.Err()
			}
		}
		run, err := l.readRun(ctx, of)
		if len(run) == 0 {
			return err
		}
		last := run[len(run)-1]
		for _, in := range run[:len(run)-1] {
			if !l.e.enqueue(ctx, in) {
				return ctx.Err()
			}
		}
		if became, err := l.e.submit(ctx, last); err != nil || became != Applied {
			return err
		}
	}
}

// readRun makes inputs of a lane's oldest rows. It stops before a row that the registry
// must explain and cannot now. drain returns that error only when the row is the first.
func (l *lanes[S]) readRun(ctx context.Context, of lane) (run []*input, err error) {
	rows, err := l.oldest(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("read parked rows: %w", err)
	}
	after := int64(0)
	for _, row := range rows {
		in, err := l.e.unpark(ctx, row)
		if err != nil {
			return run, err
		}
		in.parkedN, in.after = row.n, after
		run, after = append(run, in), row.n
	}
	return run, nil
}

func (l *lanes[S]) oldest(ctx context.Context, of lane) (found []parkedRow, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rows, err := l.e.DB.Read().QueryContext(ctx, `SELECT n, input FROM parked WHERE lane = ? AND key = ? ORDER BY n LIMIT ?`, of.source, of.key, runRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for size := 0; size < runBytes && rows.Next(); {
		var row parkedRow
		if err := rows.Scan(&row.n, &row.input); err != nil {
			return nil, err
		}
		size += len(row.input)
		found = append(found, row)
	}
	return found, rows.Err()
}

// unpark makes a parked row an input again. An error means that the registry has not
// explained the row yet, or that its text is not JSON. It does not count as an attempt.
func (e *Engine[S]) unpark(ctx context.Context, row parkedRow) (in *input, err error) {
	var p parkedInput
	if err := json.Unmarshal(row.input, &p); err != nil {
		return nil, fmt.Errorf("read parked row %d: %w", row.n, err)
	}
	if p.Record != nil {
		if in, err = e.read(ctx, p.Record); err != nil {
			return nil, err
		}
		in.ID = p.ID // the id that the inbox has
		return in, nil
	}
	in = &input{Input: flow.Input{Kind: p.Kind, Name: p.Name, ID: p.ID, Key: p.Key}, Trace: p.Trace, callID: p.EffectID}
	e.readBody(in, p.Body)
	return in, nil
}

// postpone delays a lane when its head could not be tried.
func (l *lanes[S]) postpone(ctx context.Context, of lane) {
	in := &input{Input: flow.Input{ID: "postpone/" + of.String(), Key: of.key}}
	in.control = func(b *batch) {
		if head := b.heads[of]; head.n != 0 {
			b.out.postponed = append(b.out.postponed, parkedRow{parkedID: parkedID{of, head.n}, due: b.now.Add(l.e.Park.Delay).UnixMicro()})
		}
	}
	_, _ = l.e.submit(ctx, in) // the error is ctx's end: the head is tried at the next start
}
