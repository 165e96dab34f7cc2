package engine_test

import (
	"context"
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

func tallies(panics func(place, key string)) flow.ByKey[Tally] {
	return flow.ByKey[Tally]{
		Select: func(ctx context.Context, tx *store.Tx, keys []string) (map[string]Tally, error) {
			var found map[string]Tally
			err := tx.Each(ctx, func(scan func(...any) error) error {
				var s Tally
				if err := scan(&s.Key, &s.Total, &s.Trail); err != nil {
					return err
				}
				if found == nil {
					found = map[string]Tally{}
				}
				found[s.Key] = s
				panics("load", s.Key)
				return nil
			}, `SELECT key, total, trail FROM tallies WHERE key IN ({keys})`, store.Keys(keys))
			return found, err
		},
		Upsert: func(tx *store.Tx, keys []string, states []Tally) error {
			var args []any
			for i, s := range states {
				panics("save", keys[i])
				args = append(args, keys[i], s.Total, s.Trail)
			}
			tx.Bulk(`INSERT INTO tallies (key, total, trail)`, 3, `ON CONFLICT (key) DO UPDATE SET total = excluded.total, trail = excluded.trail`, args)
			return nil
		},
	}
}

// participant is the table. broken tells whether reactions to "broken" fail.
func participant(broken func() bool) flow.Participant[Tally] {
	return flow.Participant[Tally]{
		Service: "tally",
		Reactions: []flow.Reaction[Tally]{
			flow.When(func(s Tally, e Added, out *flow.Out) Tally { return add(s, e.Tally, e.Amount, e.Then, broken, out) }).
				Emits(Counted{}).Does(Ring{}).Starts(Nap{}),
			flow.When(func(s Tally, e Closed, out *flow.Out) Tally { return add(s, e.Tally, 0, e.Then, broken, out) }).
				Emits(Counted{}).Starts(Nap{}),
			flow.Asked(func(s Tally, c Add, out *flow.Out) Tally {
				if c.Amount == 0 {
					out.Refuse(errNothing)
				}
				s = add(s, "c", c.Amount, "", broken, out)
				out.Reply(s.Total)
				return s
			}).Emits(Counted{}).Does(Ring{}).Starts(Nap{}),
			flow.Answered(func(s Tally, r Rung, out *flow.Out) Tally {
				if r.Bell == poison && broken() {
					panic("a bell that breaks")
				}
				s.Trail += fmt.Sprintf(" rung%d", r.Bell)
				if r.GivenUp {
					s.Trail += fmt.Sprintf(":gaveup:%v", r.Unknown)
				}
				return s
			}).To(Ring{}),
			flow.Elapsed(func(s Tally, n Nap, out *flow.Out) Tally {
				s.Trail += fmt.Sprintf(" nap%d", n.Amount)
				if n.Amount > 1000 { // naps again, a thousand less
					out.After(time.Millisecond, Nap{n.Amount - 1000})
				}
				return s
			}).Starts(Nap{}),
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
		out.Do(Ring{Bell: amount})
	case "nap": // for as many milliseconds
		out.After(time.Duration(amount)*time.Millisecond, Nap{amount})
	case "rise":
		out.Stop(Nap{})
	case "all":
		out.Do(Ring{Bell: amount})
		out.After(time.Hour, Nap{amount})
	}
	if key != "c" {
		out.Emit(Counted{Tally: key, Total: s.Total})
	}
	return s
}
