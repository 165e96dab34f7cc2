package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/e2e"
)

// requests are what the buyers asked for, and how it was answered. Its methods
// may be called from several goroutines, but for print. The zero value has none.
type requests struct {
	mu            sync.Mutex
	failures      []failure
	longest       time.Duration   // of one request, of those that were answered and not refused
	orders        []time.Duration // from the first attempt to the answer that the order is taken
	cancellations []time.Duration // from the first attempt to an answer that is no refusal
	delayed       map[string]bool // orders for which the provider or the carrier lets somebody wait
}

// failure is a request that had to be made again.
type failure struct {
	at  time.Time // when that was known
	how string    // the status of the answer, or what happened instead of one
}

// What happened instead of an answer.
const (
	timedOut = "timed out"
	broken   = "without a connection"
)

// attempted takes note of one request.
func (r *requests) attempted(begun time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if err != nil {
		r.failures = append(r.failures, failure{now, how(err)})
		return
	}
	r.longest = max(r.longest, now.Sub(begun))
}

// placed takes note of an order that was taken.
func (r *requests) placed(order string, took time.Duration, delayed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders = append(r.orders, took)
	if !delayed {
		return
	}
	if r.delayed == nil {
		r.delayed = map[string]bool{}
	}
	r.delayed[order] = true
}

// cancelled takes note of a cancellation that was answered.
func (r *requests) cancelled(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancellations = append(r.cancellations, took)
}

// how a request failed.
func how(err error) string {
	var refusal *e2e.Refusal
	var timeout net.Error
	switch {
	case errors.As(err, &refusal):
		return strconv.Itoa(refusal.Status)
	case errors.As(err, &timeout) && timeout.Timeout():
		return timedOut
	default:
		return broken
	}
}

func (r *requests) print(w io.Writer, harms []harm) {
	fmt.Fprintf(w, "requests     %s\n", count(r.failures))
	for _, what := range []string{killed, frozen} {
		if n, after := following(what, harms, r.failures); n > 0 {
			fmt.Fprintf(w, "  after each of %d %s: %s\n", n, what, count(after).among(n))
		}
	}
	fmt.Fprintf(w, "placing      %s\n", spread("", r.orders))
	fmt.Fprintf(w, "cancelling   %s\n", spread("", r.cancellations))
	fmt.Fprintf(w, "one request  longest that was answered %s\n", r.longest.Round(time.Millisecond))
}

// counts are how many requests failed in which way.
type counts struct {
	refused, timedOut, broken int
	status                    map[string]int // of those refused
}

func count(failures []failure) counts {
	c := counts{status: map[string]int{}}
	for _, f := range failures {
		switch f.how {
		case timedOut:
			c.timedOut++
		case broken:
			c.broken++
		default:
			c.refused++
			c.status[f.how]++
		}
	}
	return c
}

func (c counts) String() string {
	var status []string
	for _, s := range slices.Sorted(maps.Keys(c.status)) {
		status = append(status, fmt.Sprintf("%s: %d", s, c.status[s]))
	}
	refused := fmt.Sprintf("%d refused", c.refused)
	if c.refused > 0 {
		refused += " (" + strings.Join(status, ", ") + ")"
	}
	return fmt.Sprintf("%s, %d %s, %d %s", refused, c.timedOut, timedOut, c.broken, broken)
}

// among tells how many there are for each of n harms.
func (c counts) among(n int) string {
	each := func(c int) float64 { return float64(c) / float64(n) }
	return fmt.Sprintf("%.1f refused, %.1f %s, %.1f %s", each(c.refused), each(c.timedOut), timedOut, each(c.broken), broken)
}
