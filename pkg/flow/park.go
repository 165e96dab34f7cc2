package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

type parkedID struct {
	lane
	n int64
}

type parkedRow struct {
	id       parkedID
	inputID  string
	input    []byte
	cause    string
	attempts int
	dead     int
}

// park sets an input aside, in the transaction that takes it in. cause is nil
// for an input that only waits behind another of its lane.
//
// An input that is parked is taken in: the position moves past it, its inbox
// entry says parked, its effect or timer row is gone. The parked row is the
// truth from here on.
func (e *Engine[S]) park(w *work, in *Input, cause error) {
	l := in.lane()
	row := parkedRow{id: parkedID{l, in.parkedN}, inputID: in.ID, attempts: in.attempts}
	if cause != nil {
		row.cause = cause.Error()
		row.attempts++
	}
	if in.parkedN == 0 {
		row.id.n = w.stream(in.Key).next()
		w.parked[l] = append(w.parked[l], row.id.n)
		switch in.Kind {
		case KindEvent:
			w.setInbox(in.ID, "parked")
		case KindResult:
			w.finish(in.effectID)
		case KindTimer:
			w.stopTimer(timerID{in.Key, in.Name})
		}
	}
	p := in.toPark()
	row.input = []byte(mustJSON(p))
	switch {
	case in.dead:
		row.dead = 1 // told once, however often a restart tries it again
	case cause != nil && row.attempts >= e.Park.Attempts:
		row.dead = 1
		w.done.records = append(w.done.records, e.deadLetter(in, cause))
	}
	w.done.parked = append(w.done.parked, row)
}

// DeadLetterTopic is where a participant publishes what it could not handle,
// each with its cause.
func DeadLetterTopic(service string) string { return service + ".dead-letter" }

// deadLetter is the record that tells of an input that could not be handled.
// It carries the original bytes and headers; what happened is in dl_ headers.
func (e *Engine[S]) deadLetter(in *Input, cause error) outgoing {
	r := outgoing{ID: deriveID(in.ID, e.Participant.Service, "dead-letter", 0), Topic: DeadLetterTopic(e.Participant.Service)}
	if usable(in.Key) {
		r.Key = in.Key
	}
	if in.record != nil {
		if size := in.record.size(); size <= maxDeadLetter {
			r.Value = in.record.Value
			r.Headers = append(r.Headers, in.record.Headers...)
		} else {
			r.Headers = append(r.Headers, Header{"dl_left_out", strconv.Itoa(size)})
		}
		r.Headers = append(r.Headers,
			Header{"dl_topic", in.record.Topic},
			Header{"dl_partition", strconv.Itoa(int(in.record.Partition))},
			Header{"dl_offset", strconv.FormatInt(in.record.Offset, 10)})
	} else {
		r.Value = in.body()
	}
	r.Headers = append(r.Headers,
		Header{"dl_service", e.Participant.Service},
		Header{"dl_kind", string(in.Kind)},
		Header{"dl_name", in.Name},
		Header{"dl_input", in.ID},
		Header{"dl_attempts", strconv.Itoa(in.attempts + 1)},
		Header{"dl_cause", cause.Error()[:min(len(cause.Error()), maxCause)]})
	return r
}

// What a dead letter adds to a record must not make it too large for the
// broker: it would be refused for ever, and every producer with it. Over this
// size it only tells where the original is.
const (
	maxDeadLetter = 768 << 10
	maxCause      = 4 << 10
)

func (r *Record) size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Name) + len(h.Value)
	}
	return n
}

// ParkPolicy says how a parked lane is tried again: its head, after a fixed
// delay, so many times; then it goes to the dead-letter topic and waits for the
// next start of the service.
type ParkPolicy struct {
	Delay    time.Duration
	Attempts int
}

// parker tries the heads of parked lanes again.
type parker[S any] struct {
	e     *Engine[S]
	all   atomic.Bool // look at the dead ones too
	woken chan struct{}
}

// adopt has every lane tried once more that this process holds, after it took
// any over: the cause may have been mended where it was before.
func (p *parker[S]) adopt() {
	p.all.Store(true)
	signal(p.woken)
}

// run retries every lane once at the start, whatever its state: the cause may
// have been mended by the new binary. After that it looks at the table when a
// lane was parked, and after each delay while there is one. A lane whose head
// could not even be read was not tried, and its turn stays:
//
//	a head is given up ─ the mended service starts ─ the registry is away, so the head cannot be read ─ the registry is back
//
// Left to the list of lanes that are due it would wait for the next start.
func (p *parker[S]) run(ctx context.Context) {
	p.all.Store(true)
	var untried []lane
	for {
		all := p.all.Swap(false)
		heads, err := p.heads(ctx, all)
		if err != nil && ctx.Err() == nil {
			p.e.Log.Error("read parked lanes", "error", err)
		}
		for _, l := range untried {
			if p.e.follow.holds(l.key) && !slices.Contains(heads, l) {
				heads = append(heads, l)
			}
		}
		untried = untried[:0]
		for _, h := range heads {
			if !p.drain(ctx, h) {
				untried = append(untried, h)
			}
		}
		if all && err != nil {
			p.all.Store(true)
		}
		var again <-chan time.Time
		if len(heads) > 0 || err != nil || p.e.follow.shared { // another instance may have parked
			again = time.After(p.e.Park.Delay)
		}
		why := p.e.Turns.await(ctx, p.woken, again, "try parked lanes", "")
		if why == woken && !p.all.Load() { // lanes that were another's wait for no delay
			// A lane parked just now failed just now: its first retry
			// comes after the delay, like every other.
			why = p.e.Turns.await(ctx, nil, time.After(p.e.Park.Delay), "try parked lanes", "")
		}
		if why == ended {
			return
		}
	}
}

// heads returns the lanes whose head is due.
func (p *parker[S]) heads(ctx context.Context, all bool) ([]lane, error) {
	rows, err := p.e.DB.Read().QueryContext(ctx,
		`SELECT lane, key FROM parked p WHERE n = (SELECT min(n) FROM parked h WHERE h.lane = p.lane AND h.key = p.key) AND dead <= ?`, all)
	if err != nil {
		return nil, fmt.Errorf("read heads of parked lanes: %w", err)
	}
	defer rows.Close()
	var ls []lane
	for rows.Next() {
		var l lane
		if err := rows.Scan(&l.source, &l.key); err != nil {
			return nil, fmt.Errorf("read heads of parked lanes: %w", err)
		}
		if p.e.follow.holds(l.key) {
			ls = append(ls, l)
		}
	}
	return ls, rows.Err()
}

// drain hands a lane's rows to the loop, oldest first, until one of them fails
// again or the lane is empty. It reports false when a row could not be read.
func (p *parker[S]) drain(ctx context.Context, l lane) bool {
	for ctx.Err() == nil {
		in, err := p.head(ctx, l)
		if err != nil {
			p.e.Log.Error("read head of parked lane", "lane", l.source, "key", l.key, "error", err)
			return false
		}
		if in == nil {
			return true
		}
		if became, err := p.e.tell(ctx, in); err != nil || became != Applied {
			return true
		}
	}
	return true
}

// head reads a lane's oldest row and makes it an input again.
func (p *parker[S]) head(ctx context.Context, l lane) (*Input, error) {
	rows, err := p.e.DB.Read().QueryContext(ctx, `SELECT n, input FROM parked WHERE lane = ? AND key = ? ORDER BY n LIMIT 1`, l.source, l.key)
	if err != nil {
		return nil, fmt.Errorf("read parked row: %w", err)
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	var n int64
	var text []byte
	if err := rows.Scan(&n, &text); err != nil {
		return nil, fmt.Errorf("read parked row: %w", err)
	}
	var row parkedInput
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, fmt.Errorf("read parked row %s %d: %w", l, n, err)
	}
	in, err := p.e.unpark(ctx, row)
	if err != nil {
		return nil, err
	}
	in.parkedN = n
	return in, nil
}

func (e *Engine[S]) unpark(ctx context.Context, row parkedInput) (*Input, error) {
	var in *Input
	if row.Record != nil {
		var err error
		if in, err = e.read(ctx, row.Record); err != nil {
			return nil, err // a question to the registry is open: not an attempt
		}
		in.ID = row.ID // the name it was taken in under, which is the inbox's
	} else {
		in = &Input{Kind: row.Kind, Name: row.Name, ID: row.ID, Key: row.Key, Trace: row.Trace, effectID: row.EffectID}
		r, ok := e.table[row.Name]
		if !ok {
			in.unreadable, in.raw = fmt.Errorf("participant %s has no reaction to %s", e.Participant.Service, row.Name), row.Body
		} else {
			in.readBody(r.decode, row.Body)
		}
	}
	return in, nil
}
