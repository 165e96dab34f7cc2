// Package history knows every history that an order can end with, and tells whether
// one that was seen is among them.
//
// The histories are found by e2e/proof/explore, which plays the services' own tables
// and reactions in every order, and are kept here as text: who reads topics needs
// nothing of what proves.
package history

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// owners are the five services, in the order in which a history tells of them.
var owners = [...]string{"order", "inventory", "payment", "shipping", "email"}

// Event is an event as an order's history tells it.
type Event struct {
	Owner  string
	Type   string // full name
	Reason string // see [Reason]
	Cause  string // type of the event that it follows from; empty: from a request
}

// Reason is what an event says of why, from those of its fields that say it: an
// event about a notification has a kind and maybe a cause, others a reason.
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

// history is what each owner has told, in the order in which it did. Between
// owners there is no order.
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

// key is equal for equal histories only. It begins with what people read, by which
// histories are sorted; types that differ in their namespace differ behind that.
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

// Known are histories with which an order can end. The zero value knows none.
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
