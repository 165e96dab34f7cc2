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

// requests are the buyers' requests and their answers. Its methods except print may be
// called from several goroutines. The zero value has none.
type requests struct {
	mu            sync.Mutex
	failures      []failure
	longest       time.Duration   // of the requests that were answered and not refused
	orders        []time.Duration // from the first attempt to the acknowledgement of the order
	cancellations []time.Duration // from the first attempt to an answer that is no refusal
	delayed       map[string]bool // orders that the provider or the carrier delays
}

// failure is a request that had to be made again.
type failure struct {
	at  time.Time // when that was known
	how string    // the status of the answer, or why there was none
}

// The reasons for a missing answer.
const (
	timedOut = "timed out"
	broken   = "without a connection"
)

// attempted records one request.
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

// placed records an acknowledged order.
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

// cancelled records an answered cancellation.
func (r *requests) cancelled(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancellations = append(r.cancellations, took)
}

// how is the way in which a request failed.
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

// counts are the numbers of failed requests, by the way in which they failed.
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

// among is the text of the counts for each of n harms.
func (c counts) among(n int) string {
	each := func(c int) float64 { return float64(c) / float64(n) }
	return fmt.Sprintf("%.1f refused, %.1f %s, %.1f %s", each(c.refused), each(c.timedOut), timedOut, each(c.broken), broken)
}
