package bench

import (
	"errors"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func in(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestOnlyCompletedOrdersCount(t *testing.T) {
	b := newBook(0)
	b.accept("a", in(0))
	b.accept("b", in(10))
	b.complete("a", in(50))
	b.complete("a", in(60)) // a copy
	b.refuse(errors.New("not now"))
	if n := b.completed(window{in(0), in(100)}); n != 1 {
		t.Errorf("%d completed, want 1", n)
	}
	if b.open() != 1 || b.refused != 1 {
		t.Errorf("%d open and %d refused, want 1 and 1", b.open(), b.refused)
	}
}

func TestAnEndMayComeBeforeTheAnswer(t *testing.T) {
	b := newBook(1)
	<-b.free
	b.complete("a", in(30))
	b.accept("a", in(10))
	if n := b.completed(window{in(0), in(100)}); n != 1 || len(b.free) != 1 {
		t.Errorf("%d completed and %d free, want 1 and 1", n, len(b.free))
	}
	if l := b.latency(window{in(0), in(100)}); l.Max < 19.9 || l.Max > 20.1 {
		t.Errorf("latency %v, want 20 ms", l)
	}
}

func TestLatencyIsOfOrdersMeantForTheWindow(t *testing.T) {
	b := newBook(0)
	b.accept("before", in(99))
	b.accept("late", in(150))
	b.complete("before", in(160))
	b.complete("late", in(950))
	w := window{in(100), in(200)}
	if l := b.latency(w); l.P50 < 799 || l.P50 > 801 {
		t.Errorf("latency %v, want the 800 ms of the late one", l)
	}
	if n := b.completed(w); n != 1 {
		t.Errorf("%d completed within, want the one from before", n)
	}
}
