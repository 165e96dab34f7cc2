// Package history holds every history with which an order can end, and reports whether
// an observed one is among them.
//
// e2e/proof/explore computes the histories: it plays the services' own tables and
// reactions in every order. This package keeps them as text, so that a reader of topics
// needs no code of the proof.
package history

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// owners are the five services, in the order of a history.
var owners = [...]string{"order", "inventory", "payment", "shipping", "email"}

// Event is an event of an order's history.
type Event struct {
	Owner  string
	Type   string // full name
	Reason string // see [Reason]
	Cause  string // type of the event that caused it; empty: a request
}

// Reason joins the fields of an event that hold its reason. An event about a notification
// has a kind and perhaps a cause; another event has a reason.
func Reason(reason, kind, cause string) string {
	return strings.Join(strings.Fields(reason+" "+kind+" "+cause), " ")
}

func (e Event) String() string {
	s := e.Owner + ": " + short(e.Type)
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	if e.Cause != "" {
		s += " after " + short(e.Cause)
	}
	return s
}

// short is an event's name without its namespace.
func short(eventType string) string { return eventType[strings.LastIndexByte(eventType, '.')+1:] }

// history are the events of each owner, in the order in which it published them. Owners
// have no order between them.
type history [len(owners)][]Event

func historyOf(events []Event) (history, error) {
	var h history
	for _, e := range events {
		owner := slices.Index(owners[:], e.Owner)
		if owner < 0 {
			return h, fmt.Errorf("%s is owned by %q, which is none of the five", e.Type, e.Owner)
		}
		h[owner] = append(h[owner], e)
	}
	return h, nil
}

// key is equal for equal histories only. It begins with the readable text, by which
// histories are sorted. After it come the full types, which distinguish namespaces.
func (h history) key() string {
	var b strings.Builder
	fmt.Fprint(&b, h)
	for _, events := range h {
		for _, e := range events {
			b.WriteString(" " + e.Type + " " + e.Cause)
		}
	}
	return b.String()
}

// Known are histories with which an order can end. The zero value has none.
type Known struct {
	histories map[string]history
}

//go:embed known.txt
var text string

// All are the histories that the production's tables and reactions allow.
var All = sync.OnceValues(func() (*Known, error) { return Parse(text) })

// Add adds a history. It fails when an event's owner is none of the five services.
func (k *Known) Add(events []Event) error {
	h, err := historyOf(events)
	if err != nil {
		return err
	}
	if k.histories == nil {
		k.histories = map[string]history{}
	}
	k.histories[h.key()] = h
	return nil
}

// Len is how many histories there are.
func (k *Known) Len() int { return len(k.histories) }

// List returns the histories, each owner's events together.
func (k *Known) List() [][]Event {
	var all [][]Event
	for _, key := range slices.Sorted(maps.Keys(k.histories)) {
		h := k.histories[key]
		all = append(all, slices.Concat(h[:]...))
	}
	return all
}
