package flow

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// timerRow is a row of the timers table.
type timerRow struct {
	id          timerID
	due         int64 // microseconds since 1970
	body        string
	causation   string
	traceparent string
	index       int // in the heap
}

// timers turns rows that are due into inputs. The heap in memory is a hint: a
// timer that fires while a batch stops or moves it finds its row gone, or due
// at another time, and nothing happens.
type timers[S any] struct {
	e       *Engine[S]
	mu      sync.Mutex
	heap    dueHeap
	running map[timerID]*timerRow
	changed chan struct{}
}

func (t *timers[S]) add(rows map[timerID]*timerRow) {
	t.mu.Lock()
	for id, row := range rows {
		if old := t.running[id]; old != nil {
			heap.Remove(&t.heap, old.index)
			delete(t.running, id)
		}
		if row != nil {
			heap.Push(&t.heap, row)
			t.running[id] = row
		}
	}
	t.mu.Unlock()
	signal(t.changed)
}

func (t *timers[S]) knows(id string, due int64) bool {
	name, key, _ := strings.Cut(id, "/")
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.running[timerID{key, name}]
	return row != nil && row.due == due
}

// reload reads the timers that are running.
func (t *timers[S]) reload(ctx context.Context) error {
	found, err := t.rows(ctx, ``)
	t.add(found)
	return err
}

// rows reads the timers of a condition.
func (t *timers[S]) rows(ctx context.Context, where string, args ...any) (map[timerID]*timerRow, error) {
	rows, err := t.e.DB.Read().QueryContext(ctx, `SELECT key, name, due, body, causation, traceparent FROM timers`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read timers: %w", err)
	}
	defer rows.Close()
	found := map[timerID]*timerRow{}
	for rows.Next() {
		var r timerRow
		if err := rows.Scan(&r.id.key, &r.id.name, &r.due, &r.body, &r.causation, &r.traceparent); err != nil {
			return nil, fmt.Errorf("read timers: %w", err)
		}
		found[r.id] = &r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read timers: %w", err)
	}
	return found, nil
}

func (t *timers[S]) run(ctx context.Context) {
	for {
		row, wait := t.next()
		if row != nil {
			if !t.e.put(ctx, t.input(row)) {
				return
			}
			continue
		}
		var first <-chan time.Time
		if wait > 0 {
			first = time.After(wait)
		}
		if t.e.Turns.await(ctx, t.changed, first, "timers", "") == ended {
			return
		}
	}
}

// next pops a timer that is due, or tells how long the first one has to wait; 0
// when there is none.
func (t *timers[S]) next() (*timerRow, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return nil, 0
	}
	if wait := time.Until(time.UnixMicro(t.heap[0].due)); wait > 0 {
		return nil, wait
	}
	row := heap.Pop(&t.heap).(*timerRow)
	delete(t.running, row.id)
	return row, 0
}

func (t *timers[S]) input(row *timerRow) *Input {
	in := &Input{
		Kind: KindTimer, Name: row.id.name, Key: row.id.key, due: row.due,
		// The due time is part of the id: a timer that is started again
		// is another input.
		ID:    "timer/" + row.id.String() + "/" + strconv.FormatInt(row.due, 10),
		Trace: Trace{CausationID: row.causation, Traceparent: row.traceparent},
	}
	r, ok := t.e.table[row.id.name]
	if !ok {
		in.unreadable, in.raw = fmt.Errorf("participant %s has no reaction to %s", t.e.Participant.Service, row.id.name), json.RawMessage(row.body)
		return in
	}
	in.readBody(r.decode, []byte(row.body))
	return in
}

type dueHeap []*timerRow

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if h[i].due == h[j].due {
		return h[i].id.key < h[j].id.key
	}
	return h[i].due < h[j].due
}

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(x any) {
	row := x.(*timerRow)
	row.index = len(*h)
	*h = append(*h, row)
}

func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
