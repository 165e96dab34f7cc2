package simulation

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// errGone is the answer to every request of a killed process: its later actions reach
// nothing outside it.
var errGone = errors.New("the process is gone")

// scheduler lets one goroutine at a time go on. A goroutine waits here for its turn
// before each action that another can observe. When no goroutine runs any more, the
// seed chooses the next.
type scheduler struct {
	*rand.Rand
	mu      sync.Mutex
	waiting []*turn
	arrived int
	steps   int
	seed    uint64
	telling sync.Mutex
	hash    uint64
	line    []byte    // the last, whose memory is used again
	story   io.Writer // nil: no reader
	began   time.Time
}

// turn is a goroutine that waits.
type turn struct {
	who          *process // nil: one of the world's own
	place, about string
	n            int
	stalled      time.Time // until then; only the goroutine, not its process
	since        time.Time
	proceed      chan error
}

func newScheduler(seed uint64, story io.Writer) *scheduler {
	return &scheduler{seed: seed, hash: 14695981039346656037, Rand: rand.New(rand.NewPCG(seed, 0x51_a7e)), story: story, began: time.Now()}
}

// wait waits for a turn. The error is the fault that the caller meets there.
func (s *scheduler) wait(who *process, place, about string) error {
	s.mu.Lock()
	if who != nil && who.dead {
		s.mu.Unlock()
		return errGone
	}
	s.arrived++
	t := &turn{who: who, place: place, about: about, n: s.arrived, since: time.Now(), proceed: make(chan error)}
	s.waiting = append(s.waiting, t)
	s.mu.Unlock()
	return <-t.proceed
}

// settle waits until no goroutine runs, and returns the turns that may go on. Their
// order depends on their arrival only where all else is equal.
func (s *scheduler) settle() []*turn {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var able []*turn
	for _, t := range s.waiting {
		if (t.who == nil || !t.who.frozen()) && !time.Now().Before(t.stalled) {
			able = append(able, t)
		}
	}
	slices.SortFunc(able, func(a, b *turn) int {
		return cmp.Or(strings.Compare(a.who.String(), b.who.String()), strings.Compare(a.place, b.place), strings.Compare(a.about, b.about), cmp.Compare(a.n, b.n))
	})
	return able
}

// release gives a goroutine its turn.
func (s *scheduler) release(t *turn, err error) {
	s.mu.Lock()
	s.waiting = slices.DeleteFunc(s.waiting, func(w *turn) bool { return w == t })
	s.mu.Unlock()
	s.steps++
	if err == nil {
		s.tell("%s %s %s", t.who, t.place, t.about)
	} else {
		s.tell("%s %s %s: %v", t.who, t.place, t.about, err)
	}
	t.proceed <- err
}

// goOn ends all stalls.
func (s *scheduler) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.waiting {
		t.stalled = time.Time{}
	}
}

// releaseAll lets a killed process's goroutines end, one after the other.
func (s *scheduler) releaseAll(who *process) {
	s.mu.Lock()
	for _, t := range s.waiting {
		if t.who == who {
			t.stalled = time.Time{}
		}
	}
	s.mu.Unlock()
	for _, t := range s.settle() {
		if t.who == who {
			s.release(t, errGone)
			synctest.Wait()
		}
	}
}

// tell writes a line of the story, and adds it to the hash, in which a replay must be
// equal.
//
// One goroutine writes at a time, as one runs at a time. The lock is for the race
// detector: synctest.Wait did not wait for a goroutine that wrote last and has ended
// since.
func (s *scheduler) tell(format string, args ...any) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.line = fmt.Appendf(strconv.AppendInt(s.line[:0], time.Since(s.began).Milliseconds(), 10), " "+format, args...)
	for _, b := range s.line { // FNV-1a
		s.hash = (s.hash ^ uint64(b)) * 1099511628211
	}
	if s.story != nil {
		fmt.Fprintf(s.story, "%s\n", s.line)
	}
}

// advance lets time pass.
func (s *scheduler) advance(d time.Duration) {
	s.tell("clock +%s", d)
	<-time.After(d) // the bubble's clock: it goes on as soon as every goroutine waits
}

// chance reports true in one of n cases; never for 0.
func (s *scheduler) chance(n int) bool { return n > 0 && s.IntN(n) == 0 }

func pick[T any](s *scheduler, of []T) T { return of[s.IntN(len(of))] }
