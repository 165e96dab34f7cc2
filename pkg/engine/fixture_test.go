package engine_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing/fstest"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

// The participant of these tests keeps a tally per key. What it does with an
// amount is told by the event itself, so that a test says in one line what
// happens.

// Added is a fact of the feeder, Closed one of the keeper: two topics.
type Added struct {
	Tally  string `avro:"tally"`
	Amount int64  `avro:"amount"`
	Then   string `avro:"then"` // what the tally does besides counting: see add
}

type Closed struct {
	Tally string `avro:"tally"`
	Then  string `avro:"then"`
}

type Counted struct {
	Tally string `avro:"tally"`
	Total int64  `avro:"total"`
}

type Hidden struct {
	Tally string `avro:"tally"`
}

func (e Added) EventType() string   { return "test.feeder.Added" }
func (e Closed) EventType() string  { return "test.keeper.Closed" }
func (e Counted) EventType() string { return "test.tally.Counted" }
func (e Hidden) EventType() string  { return "test.tally.Hidden" }
func (e Added) EventOwner() string  { return "feeder" }
func (e Closed) EventOwner() string { return "keeper" }
func (Counted) EventOwner() string  { return "tally" }
func (Hidden) EventOwner() string   { return "tally" }
func (e Added) EventKey() string    { return e.Tally }
func (e Closed) EventKey() string   { return e.Tally }
func (e Counted) EventKey() string  { return e.Tally }
func (e Hidden) EventKey() string   { return e.Tally }

// Add is a command, Ring a call, Rung its result, Nap a timer.
type (
	Add  struct{ Amount int64 }
	Ring struct{ Bell int64 }
	Rung struct {
		Bell    int64
		GivenUp bool
		Unknown bool
	}
	Nap struct{ Amount int64 }
)

func contract() fstest.MapFS {
	schema := func(owner, event, fields string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(fmt.Sprintf(
			`{"type":"record","name":%q,"namespace":"test.%s","fields":[{"name":"tally","type":"string"}%s]}`, event, owner, fields))}
	}
	return fstest.MapFS{
		"feeder/Added/v1.avsc":  schema("feeder", "Added", `,{"name":"amount","type":"long"},{"name":"then","type":"string"}`),
		"keeper/Closed/v1.avsc": schema("keeper", "Closed", `,{"name":"then","type":"string"}`),
		"tally/Counted/v1.avsc": schema("tally", "Counted", `,{"name":"total","type":"long"}`),
		"tally/Hidden/v1.avsc":  schema("tally", "Hidden", ``),
	}
}

// Tally is the state: a total, and the amounts in the order in which they came.
type Tally struct {
	Key   string
	Total int64
	Trail string
}

const tables = `-- +goose Up
CREATE TABLE tallies (key TEXT PRIMARY KEY, total BIGINT NOT NULL CHECK (total >= 0), trail TEXT NOT NULL) WITHOUT ROWID;
`

// tallyStore is one that may panic over a key.
type tallyStore struct {
	flow.RowStore[Tally]
	panics func(place, key string)
}

func tallies(panics func(place, key string)) tallyStore {
	table := store.NewTable("tallies", "key", []string{"key", "total", "trail"}, func(s *Tally) []any {
		return []any{&s.Key, &s.Total, trap{s, panics}}
	})
	return tallyStore{flow.RowStore[Tally]{Table: table}, panics}
}

func (t tallyStore) Load(ctx context.Context, tx *store.Tx, inputs []*flow.Input) (flow.BatchState[Tally], error) {
	unit, err := t.RowStore.Load(ctx, tx, inputs)
	for _, in := range inputs {
		if err == nil && unit.State(in).Key != "" {
			t.panics("load", in.Key)
		}
	}
	return unit, err
}

// trap is the column trail, whose writing may panic.
type trap struct {
	of     *Tally
	panics func(place, key string)
}

// Scan implements [sql.Scanner].
func (t trap) Scan(src any) error {
	t.of.Trail, _ = src.(string) // of a column of text
	return nil
}

// Value implements [driver.Valuer].
func (t trap) Value() (driver.Value, error) {
	t.panics("save", t.of.Key)
	return t.of.Trail, nil
}

// participant is the table. broken tells whether reactions to "broken" fail.
func participant(broken func() bool) flow.Participant[Tally] {
	return flow.Participant[Tally]{
		Service: "tally",
		Reactions: []flow.Reaction[Tally]{
			flow.OnEvent(func(s Tally, e Added, out *flow.Out) Tally { return add(s, e.Tally, e.Amount, e.Then, broken, out) }).
				Emits(Counted{}).Calls(Ring{}).StartsTimer(Nap{}),
			flow.OnEvent(func(s Tally, e Closed, out *flow.Out) Tally { return add(s, e.Tally, 0, e.Then, broken, out) }).
				Emits(Counted{}).StartsTimer(Nap{}),
			flow.OnCommand(func(s Tally, c Add, out *flow.Out) Tally {
				if c.Amount == 0 {
					out.Reject(errNothing)
				}
				s = add(s, "c", c.Amount, "", broken, out)
				out.Reply(s.Total)
				return s
			}).Emits(Counted{}).Calls(Ring{}).StartsTimer(Nap{}),
			flow.OnResult(func(s Tally, r Rung, out *flow.Out) Tally {
				if r.Bell == poison && broken() {
					panic("a bell that breaks")
				}
				s.Trail += fmt.Sprintf(" rung%d", r.Bell)
				if r.GivenUp {
					s.Trail += fmt.Sprintf(":gaveup:%v", r.Unknown)
				}
				return s
			}).ResultOf(Ring{}),
			flow.OnTimer(func(s Tally, n Nap, out *flow.Out) Tally {
				s.Trail += fmt.Sprintf(" nap%d", n.Amount)
				if n.Amount > 1000 { // naps again, a thousand less
					out.StartTimer(time.Millisecond, Nap{n.Amount - 1000})
				}
				return s
			}).StartsTimer(Nap{}),
		},
		Terminal: []flow.Event{Counted{}},
	}
}

// poison makes the store refuse a state, by its CHECK.
const poison = -1_000_000

var errNothing = fmt.Errorf("nothing to add")

func add(s Tally, key string, amount int64, then string, broken func() bool, out *flow.Out) Tally {
	s.Total += amount
	s.Trail += fmt.Sprintf(" %d", amount)
	what, _, _ := strings.Cut(then, " ")
	switch what {
	case "broken":
		if broken() {
			panic("broken for now")
		}
	case "undeclared":
		out.Emit(Hidden{Tally: key})
	case "silent":
		return s
	case "ring":
		out.Call(Ring{Bell: amount})
	case "nap": // for as many milliseconds
		out.StartTimer(time.Duration(amount)*time.Millisecond, Nap{amount})
	case "rise":
		out.StopTimer(Nap{})
	case "all":
		out.Call(Ring{Bell: amount})
		out.StartTimer(time.Hour, Nap{amount})
	}
	if key != "c" {
		out.Emit(Counted{Tally: key, Total: s.Total})
	}
	return s
}
