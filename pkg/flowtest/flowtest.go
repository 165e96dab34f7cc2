// Package flowtest tests a participant's reactions as Given/When/Then: the earlier
// inputs, the input under test, and the participant's outputs.
//
// Each case runs by itself in several modes:
//
//   - plain
//   - every input is delivered twice
//   - the outcome of a commit is unknown, because the commit did not happen
//   - the outcome of a commit is unknown, because only its answer was lost
//   - the process is replaced after every input, and the input delivered again
//
// Idempotence is a property of the harness, not a test that an author remembers to
// write.
package flowtest

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

// Suite is the participant under test.
type Suite[S any] struct {
	Participant flow.Participant[S]
	Store       flow.Store[S]
	Migrations  fs.FS
	Contract    fs.FS
	Ignore      []string // fields of outputs that are not compared: derived identifiers
}

// Case is one story of one key.
type Case[S any] struct {
	Name  string
	Given []any // events, commands, results and timers, in order
	When  any   // the last of them
	// Then holds the outputs of When: its events in order, then its calls.
	Then []any
	// State checks the state after When; may be nil.
	State func(*testing.T, S)
	// Refused is the error that a command gets; nil when it is accepted.
	Refused error
	// Key is the key of When and of the state. If it is empty, the first input with a
	// key gives it: an event, or an input with a field OrderID.
	Key string
}

// mode is one way to deliver the inputs of a case, with faults or without.
type mode struct {
	name   string
	copies int // how often each input is delivered
	fault  func() store.Faults
	fresh  bool // a new process after each input
}

func modes() []mode {
	return []mode{
		{name: "plain", copies: 1},
		{name: "delivered twice", copies: 2},
		{name: "commit fails", copies: 1, fault: func() store.Faults { return store.Faults{BeforeCommit: once()} }},
		{name: "answer of the commit is lost", copies: 1, fault: func() store.Faults { return store.Faults{AfterCommit: once()} }},
		{name: "process is replaced", copies: 2, fresh: true},
	}
}

// Run runs the cases in every mode.
func Run[S any](t *testing.T, s Suite[S], cases []Case[S]) {
	t.Helper()
	codecs := map[string]*registry.Codec{s.Participant.Service: Codec(t, s.Contract, s.Participant.Service)}
	for _, row := range s.Participant.Rows() {
		if row.Event != nil && codecs[row.Event.EventOwner()] == nil {
			codecs[row.Event.EventOwner()] = Codec(t, s.Contract, row.Event.EventOwner())
		}
	}
	empty := migrated(t, s.Migrations)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			for _, m := range modes() {
				t.Run(m.name, func(t *testing.T) {
					t.Parallel()
					run(t, s, c, m, codecs, empty)
				})
			}
		})
	}
}

func run[S any](t *testing.T, s Suite[S], c Case[S], m mode, codecs map[string]*registry.Codec, empty []byte) {
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world[S]{t: t, suite: s, mode: m, db: db, log: &Log{}, answers: map[string]chan any{}, codecs: codecs, key: keyOf(c)}
	w.start()
	defer func() { w.stop() }()
	for i, in := range c.Given {
		if err := w.happen(i, in); err != nil {
			t.Fatalf("given %T: %v", in, err)
		}
	}
	before := w.outputs()
	err = w.happen(len(c.Given), c.When)
	if (err == nil) != (c.Refused == nil) || err != nil && !strings.Contains(err.Error(), c.Refused.Error()) {
		t.Fatalf("when %T: got error %v, want %v", c.When, err, c.Refused)
	}
	got := w.since(before)
	if diff := cmp.Diff(texts(c.Then, s.Ignore), scrub(got, s.Ignore)); diff != "" {
		t.Errorf("when %T puts out (-want +got):\n%s", c.When, diff)
	}
	if c.State != nil {
		c.State(t, w.state())
	}
}

// migrated returns the bytes of a database that has all tables and no rows.
func migrated(t *testing.T, own fs.FS) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.db")
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Migrate(t.Context(), db, "own", own); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil { // folds the log back into the file
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// texts returns outputs as lines: their names and their fields as JSON.
func texts(outputs []any, ignore []string) []string {
	var lines []string
	for _, o := range outputs {
		text, err := json.Marshal(o)
		if err != nil {
			panic(err) // outputs of a case are plain structs
		}
		lines = append(lines, reflect.TypeOf(o).Name()+" "+string(text))
	}
	return scrub(lines, ignore)
}

// scrub removes the fields that are not compared, and sorts the others by name.
func scrub(lines []string, ignore []string) []string {
	scrubbed := make([]string, len(lines))
	for i, line := range lines {
		what, text, _ := strings.Cut(line, " ")
		var fields map[string]any
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			panic(err) // written by this package
		}
		for name := range fields {
			for _, ig := range ignore {
				if strings.EqualFold(name, ig) {
					delete(fields, name)
				}
			}
		}
		again, err := json.MarshalIndent(fields, "", " ")
		if err != nil {
			panic(err)
		}
		scrubbed[i] = what + " " + string(again)
	}
	return scrubbed
}

func keyOf[S any](c Case[S]) string {
	if c.Key != "" {
		return c.Key
	}
	for _, in := range append(append([]any{}, c.Given...), c.When) {
		if e, ok := in.(flow.Event); ok {
			return e.EventKey()
		}
		if f := reflect.ValueOf(in).FieldByName("OrderID"); f.IsValid() {
			return f.String()
		}
	}
	return ""
}
