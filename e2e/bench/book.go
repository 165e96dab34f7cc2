package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// book joins the requests with the ends of their orders. The end of an order may be read
// before the answer with its id.
type book struct {
	mu       sync.Mutex
	intended map[string]time.Time // accepted, not ended yet
	early    map[string]time.Time // ended, and not answered yet
	ended    []span
	accepted []string
	refused  int
	reason   error // of the latest refusal
	free     chan struct{}
}

// span is an order from the moment at which it should have been placed to its end.
type span struct{ intended, ended time.Time }

// newBook makes a book for so many open orders at a time; 0: any number.
func newBook(most int) *book {
	b := &book{intended: map[string]time.Time{}, early: map[string]time.Time{}}
	if most > 0 {
		b.free = make(chan struct{}, most)
		for range most {
			b.free <- struct{}{}
		}
	}
	return b
}

func (b *book) accept(order string, intended time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accepted = append(b.accepted, order)
	if at, is := b.early[order]; is {
		delete(b.early, order)
		b.end(span{intended, at})
		return
	}
	b.intended[order] = intended
}

func (b *book) complete(order string, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	intended, is := b.intended[order]
	if !is {
		b.early[order] = at // or it is a copy, which check.go allows for
		return
	}
	delete(b.intended, order)
	b.end(span{intended, at})
}

// end makes room for another order. The caller holds the lock.
func (b *book) end(s span) {
	b.ended = append(b.ended, s)
	b.release()
}

func (b *book) release() {
	if b.free != nil {
		b.free <- struct{}{}
	}
}

func (b *book) refuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused, b.reason = b.refused+1, err
	b.release()
}

// open is how many orders have not ended.
func (b *book) open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.intended)
}

// window is the time that is measured, after the system has warmed up.
type window struct{ from, to time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.from) && at.Before(w.to) }

// completed is how many orders ended within the window.
func (b *book) completed(w window) (n int) {
	for _, s := range b.ended {
		if w.holds(s.ended) {
			n++
		}
	}
	return n
}

// minutes are the minutes of a window. memory has their peaks in bytes.
func (b *book) minutes(w window, memory []int64) (all []Minute) {
	for i, peak := range memory {
		from := w.from.Add(time.Duration(i) * time.Minute)
		part := window{from, from.Add(time.Minute)}
		if part.to.After(w.to) {
			break // an incomplete minute has no figures
		}
		of := b.latencyOf(func(s span) bool { return part.holds(s.ended) })
		all = append(all, Minute{Rate: float64(b.completed(part)) / 60, P99: of.P99, Memory: float64(peak) / (1 << 20)})
	}
	return all
}

// latency covers all orders that were due within the window, also those that ended after
// it: a slow system must not hide its slowest orders.
func (b *book) latency(w window) Latency {
	return b.latencyOf(func(s span) bool { return w.holds(s.intended) })
}

func (b *book) latencyOf(which func(span) bool) Latency {
	h := hdrhistogram.New(1, time.Hour.Microseconds(), 3)
	for _, s := range b.ended {
		if which(s) {
			_ = h.RecordValue(max(1, s.ended.Sub(s.intended).Microseconds())) // no order takes an hour
		}
	}
	ms := func(quantile float64) float64 { return float64(h.ValueAtQuantile(quantile)) / 1000 }
	return Latency{P50: ms(50), P90: ms(90), P99: ms(99), Max: float64(h.Max()) / 1000}
}
