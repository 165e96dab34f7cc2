package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/e2e"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// in is a moment some seconds after the start.
func in(s float64) time.Time { return start.Add(seconds(s)) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// fact is an event of an order, on its owner's topic.
func fact(owner, order, id, cause string, appended float64) e2e.Fact {
	return e2e.Fact{Topic: owner + ".events", Key: order, ID: id, Causation: cause, Appended: in(appended)}
}

func TestAKillCostsThoseWhoWaitedForTheService(t *testing.T) {
	facts := []e2e.Fact{
		fact("order", "a", "a1", "", 1), // a waits for payment at the kill, with two events to come
		fact("inventory", "a", "a2", "a1", 9),
		fact("payment", "a", "a3", "a2", 14),
		fact("payment", "a", "a3", "a2", 15), // a copy
		fact("shipping", "a", "a4", "a3", 16),
		fact("payment", "a", "a5", "a2", 17),
		fact("inventory", "b", "b2", "b1", 5), // b was answered before
		fact("payment", "b", "b3", "b2", 9.5),
		fact("inventory", "c", "c2", "c1", 11), // c came later
		fact("payment", "c", "c3", "c2", 18),
		fact("order", "d", "d1", "", 9), // d waits for another service
		fact("inventory", "d", "d2", "d1", 19),
		fact("inventory", "e", "e2", "e1", 9), // e is delayed by the provider
		fact("payment", "e", "e3", "e2", 29),
		fact("inventory", "f", "f2", "f1", 9), // f waits too, not as long
		fact("payment", "f", "f3", "f2", 12),
	}
	dead := fact("inventory", "g", "g3", "g2", 20) // a dead letter of payment, which is no answer
	dead.Topic, dead.Dead = "payment.dead-letter", &e2e.DeadLetter{}
	facts = append(facts, fact("inventory", "g", "g2", "g1", 9), dead)
	harms := []harm{
		{killed, "payment-2", in(9.8), in(10)},
		{frozen, "email-1", in(10), in(10)},
	}
	waited := waits(harms, facts, map[string]bool{"e": true})
	slices.Sort(waited[0])
	if diff := cmp.Diff([][]time.Duration{{seconds(2), seconds(4)}, nil}, waited); diff != "" {
		t.Errorf("the waits are not those of a and f (-want +got):\n%s", diff)
	}
}

func TestFailuresBelongToTheHarmBeforeThem(t *testing.T) {
	harms := []harm{
		{killed, "order-1", in(10), in(11)},
		{frozen, "order-2", in(20), in(21)},
		{killed, "email-1", in(30), in(31)},
	}
	failures := []failure{{in(9), "503"}, {in(10), "502"}, {in(19), "503"}, {in(20.5), timedOut}, {in(40), broken}}
	for _, c := range []struct {
		what string
		n    int
		text string
	}{
		{killed, 2, "2 refused (502: 1, 503: 1), 0 timed out, 1 without a connection"},
		{frozen, 1, "0 refused, 1 timed out, 0 without a connection"},
	} {
		n, of := following(c.what, harms, failures)
		if text := count(of).String(); n != c.n || text != c.text {
			t.Errorf("after %d %s: %s; want after %d: %s", n, c.what, text, c.n, c.text)
		}
	}
	if text := count(failures).among(2); text != "1.5 refused, 0.5 timed out, 0.5 without a connection" {
		t.Errorf("among two: %s", text)
	}
}

func TestAnAnswerIsToldFromNone(t *testing.T) {
	for want, err := range map[string]error{
		"503":    fmt.Errorf("place order: %w", &e2e.Refusal{Status: 503}),
		timedOut: fmt.Errorf("place order: %w", context.DeadlineExceeded),
		broken:   errors.New("connection reset by peer"),
	} {
		if got := how(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestRequestsKeepTheLongestAnswered(t *testing.T) {
	var r requests
	r.attempted(time.Now().Add(-time.Hour), errors.New("reset"))
	r.attempted(time.Now().Add(-time.Minute), nil)
	r.attempted(time.Now(), nil)
	if r.longest < time.Minute || r.longest >= time.Hour || len(r.failures) != 1 {
		t.Errorf("longest %s and %d failures, want a minute and 1", r.longest, len(r.failures))
	}
}

func TestTimesOfNobodyAreZero(t *testing.T) {
	if got := spread("", nil); got != "p50 0s, p99 0s, longest 0s" {
		t.Error(got)
	}
	took := []time.Duration{4, 1, 3, 2}
	for i := range took {
		took[i] *= time.Second
	}
	if got := middle(took); got != "p50 3s, longest 4s" {
		t.Error(got)
	}
}

func TestEachHarmIsPrintedUnderItsKind(t *testing.T) {
	var text strings.Builder
	harms := []harm{{killed, "order-1", in(10), in(11)}, {frozen, "email-2", in(20), in(21)}}
	waited := [][]time.Duration{{seconds(2)}, nil}
	printHarms(&text, start, harms, waited, []failure{{in(12), "502"}})
	want := `killed       1 orders waited for the next event of the service, p50 2s, p99 2s, longest 2s
  at  11 s  order-1        1 waited, p50 2s, longest 2s; 1 refused (502: 1), 0 timed out, 0 without a connection
frozen       0 orders waited for the next event of the service, p50 0s, p99 0s, longest 0s
  at  21 s  email-2        0 waited, p50 0s, longest 0s; 0 refused, 0 timed out, 0 without a connection
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
