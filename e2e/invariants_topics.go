package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

func (f Fact) text(field string) string {
	s, _ := f.Fields[field].(string)
	return s
}

func (f Fact) number(field string) (int64, bool) { return number(f.Fields[field]) }

func number(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

// checkRecords: every record can be read, and its value agrees with its frame. A copy
// is equal to the first record of its id. Per order and owner the first appearances are
// numbered from 1 without gap or inversion. No record is a dead letter.
func (s *Seen) checkRecords(v *violations) {
	first := map[string]Fact{}
	next := map[[2]string]int64{}
	correlation := map[string]string{}
	for _, f := range s.Facts {
		if f.Dead != nil {
			v.add("%s could not handle %s: %s", f.Dead.Service, f, f.Dead.Cause)
			continue
		}
		if problem := f.malformed(); problem != "" {
			v.add("%s %s", f, problem)
		}
		if before, again := first[f.ID]; again {
			if !before.same(f) {
				v.add("%s and %s have one id and differ", before, f)
			}
			continue
		}
		first[f.ID] = f
		if f.Sequence == 0 {
			continue // by a foreign producer
		}
		stream := [2]string{f.Key, f.Owner()}
		if f.Sequence != next[stream]+1 {
			v.add("%s is number %d of its owner's, after number %d", f, f.Sequence, next[stream])
		}
		next[stream] = f.Sequence
		if c, known := correlation[f.Key]; known && c != f.Correlation {
			v.add("%s has correlation id %s, and others of the order have %s", f, f.Correlation, c)
		}
		correlation[f.Key] = f.Correlation
	}
}

// malformed is the fault of a single record; empty when it has none.
func (f Fact) malformed() string {
	switch {
	case f.Unreadable != "":
		return "cannot be read: " + f.Unreadable
	case f.Key != f.text("orderId"):
		return fmt.Sprintf("has key %q, and its orderId is %q", f.Key, f.text("orderId"))
	case f.Sequence > 0 && f.Subject != f.Key:
		return fmt.Sprintf("has key %q, and its subject is %q", f.Key, f.Subject)
	case !strings.HasPrefix(f.Type, "quintet."+f.Owner()+"."):
		return fmt.Sprintf("is a %s on %s", f.Type, f.Topic)
	}
	return ""
}

// checkCauses: every causation id names an event of the same order on a topic. One of
// the five tables declares the step. An event without a causation id is one
// that a request can lead to. No event is, directly or not, its own cause.
func (s *Seen) checkCauses(v *violations) {
	steps := declared(Rows())
	byID := map[string]Fact{}
	for _, f := range s.Facts {
		if f.Dead == nil {
			byID[f.ID] = f
		}
	}
	for _, f := range s.Facts {
		if f.Dead != nil || f.Sequence == 0 {
			continue
		}
		cause, known := byID[f.Causation]
		switch {
		case f.Causation != "" && !known:
			v.add("%s follows from %s, which is not on the topics", f, f.Causation)
		case known && cause.Key != f.Key:
			v.add("%s follows from %s, of another order", f, cause)
		case !steps[edge{cause.Type, f.Type}] && known:
			v.add("%s follows from %s, and no table declares that", f, cause)
		case !steps[edge{cause.Type, f.Type}]:
			v.add("%s follows from nothing, and no table declares that", f)
		}
	}
	for _, circle := range circles(byID) {
		v.add("events are each other's causes: %s", strings.Join(circle, ", "))
	}
}

// circles returns the cycles of causation, each once.
func circles(byID map[string]Fact) [][]string {
	var found [][]string
	safe := map[string]bool{} // checked: its chain of causes needs no second walk
	for id := range byID {
		var way []string
		for id != "" && !safe[id] {
			if at := slices.Index(way, id); at >= 0 {
				found = append(found, way[at:])
				break
			}
			way = append(way, id)
			id = byID[id].Causation
		}
		for _, passed := range way {
			safe[passed] = true
		}
	}
	return found
}
