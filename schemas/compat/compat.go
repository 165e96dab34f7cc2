// Package compat decides whether a new version of an Avro schema may follow the earlier
// ones. It applies the levels of the Confluent schema registry. If not, it reports
// which field breaks which rule. It needs no registry; the embedded registry and the
// tests of the contract both call it.
//
// The verdict is that of github.com/twmb/avro. That library also decodes the events, so
// it can read any version that is allowed here. It stops at the first difference and
// names it in the reader's and writer's terms. This package walks the schemas again to
// report every difference, in terms of the author's change.
package compat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/avro"
)

// Level is the promise of a new version to the versions before it. The plain levels
// compare with the latest version only, the transitive ones with all.
type Level string

// The levels of the Confluent schema registry.
const (
	None               Level = "NONE"                // any schema that parses
	Backward           Level = "BACKWARD"            // the new version reads the latest one's data
	BackwardTransitive Level = "BACKWARD_TRANSITIVE" // the new version reads the data of all
	Forward            Level = "FORWARD"             // the latest version reads the new one's data
	ForwardTransitive  Level = "FORWARD_TRANSITIVE"  // all read the new one's data
	Full               Level = "FULL"                // BACKWARD and FORWARD
	FullTransitive     Level = "FULL_TRANSITIVE"     // BACKWARD_TRANSITIVE and FORWARD_TRANSITIVE
)

var (
	// ErrLevel is returned when a level is none of the seven.
	ErrLevel = errors.New("unknown compatibility level")
	// ErrSchema is returned when a schema is not valid Avro.
	ErrSchema = errors.New("invalid Avro schema")
)

// ParseLevel returns the level of that name, in upper case as registries spell it. Any
// other name is an ErrLevel.
func ParseLevel(name string) (Level, error) {
	switch l := Level(name); l {
	case None, Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive:
		return l, nil
	}
	return "", fmt.Errorf("parse level %q: %w", name, ErrLevel)
}

// Error is returned when a schema breaks its level.
type Error struct {
	Level      Level
	Violations []Violation // at least one; newest previous version first
}

// Violation is one rule broken at one place.
type Violation struct {
	Field   string // e.g. "shippingAddress.country" or "lines[].sku"; "" for the schema itself
	Version int    // the previous version that is incompatible with the new one
	Message string // names the field, the change, and the version that can no longer read the other
}

// Error returns the level and every message.
func (e *Error) Error() string {
	return fmt.Sprintf("schema is not %s compatible: %s", e.Level, strings.Join(e.Messages(), "; "))
}

// Messages returns one sentence for each violation.
func (e *Error) Messages() []string {
	messages := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		messages[i] = v.Message
	}
	return messages
}

// Check reports whether next may follow previous, which are the versions so far, oldest
// first; messages number them from 1. It returns nil if so, and an *Error if not. It
// returns an ErrSchema if next, or a previous version that the level compares with,
// does not parse. It returns an ErrLevel if the level is none of the seven.
func Check(level Level, next string, previous []string) error {
	if _, err := ParseLevel(string(level)); err != nil {
		return err
	}
	newSchema, err := avro.Parse(next)
	if err != nil {
		return fmt.Errorf("parse version %d: %w: %w", len(previous)+1, ErrSchema, err)
	}
	name, transitive := strings.CutSuffix(string(level), "_TRANSITIVE")
	if level == None {
		return nil
	}
	latest, first := len(previous), len(previous)
	if transitive {
		first = 1
	}
	var found []Violation
	for version := latest; version >= max(first, 1); version-- {
		oldSchema, err := avro.Parse(previous[version-1])
		if err != nil {
			return fmt.Errorf("parse version %d: %w: %w", version, ErrSchema, err)
		}
		if name != string(Forward) {
			found = append(found, violations(pair{old: version, new: latest + 1}, oldSchema, newSchema)...)
		}
		if name != string(Backward) {
			found = append(found, violations(pair{old: version, new: latest + 1, forward: true}, newSchema, oldSchema)...)
		}
	}
	if len(found) > 0 {
		return &Error{Level: level, Violations: found}
	}
	return nil
}

// pair names the two versions to compare, and the direction.
type pair struct {
	old, new int
	forward  bool // the old version reads the new one's data, not the reverse
}

// violation completes the description of a change: which readers can no longer read
// which data.
func (p pair) violation(field, done string) Violation {
	reader, writer, rule := p.new, p.old, Backward
	if p.forward {
		reader, writer, rule = p.old, p.new, Forward
	}
	return Violation{Field: field, Version: p.old, Message: fmt.Sprintf(
		"%s: readers of version %d cannot read data of version %d (%s)", done, reader, writer, rule)}
}

// violations explains why reader cannot read writer's data, or returns nil if it can.
func violations(p pair, writer, reader *avro.Schema) []Violation {
	refused := avro.CheckCompatibility(writer, reader)
	if refused == nil {
		return nil
	}
	if found := differences(p, writer, reader); len(found) > 0 {
		return found
	}
	// The walk does not describe every rule, such as two fields that an alias merges
	// into one. The schema is refused all the same, with the message of the library.
	return []Violation{p.violation("", refused.Error())}
}
