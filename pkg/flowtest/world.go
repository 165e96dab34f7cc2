package flowtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/pkg/store"
)

// world is the participant of one run of a case, and its surroundings.
type world[S any] struct {
	t      *testing.T
	suite  Suite[S]
	mode   mode
	db     *store.DB
	log    *Log
	codecs map[string]*registry.Codec
	key    string

	engine      *engine.Engine[S]
	answers     map[string]chan any // by call: delivers its result to the attempt that waits
	assignments map[string]*engine.Assignment
	offsets     map[string]int64
	stopped     func()
}

// start makes an engine over the database, as a process does.
func (w *world[S]) start() {
	w.t.Helper()
	over := make(chan struct{})
	e, err := engine.New(engine.Config[S]{
		Participant: w.suite.Participant, Store: w.suite.Store, DB: w.db, Codec: w.codecs[w.suite.Participant.Service], CallHandlers: w.callHandlers(over),
		OpenProducer: w.log.Open, Log: slog.New(slog.DiscardHandler), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
		OutboxBound: 1000, Park: engine.ParkPolicy{Delay: time.Hour, Attempts: 3},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx, 10*time.Second) })
	w.engine = e
	w.stopped = func() { close(over); cancel(); running.Wait() }
	w.assignments = map[string]*engine.Assignment{}
	if w.offsets == nil {
		w.offsets = map[string]int64{}
	}
	var assignments []*engine.Assignment
	for _, topic := range w.suite.Participant.Topics() {
		c := &engine.Assignment{Topic: topic, Commit: func(int64) {}}
		w.assignments[topic] = c
		assignments = append(assignments, c)
	}
	if err := e.OnAssigned(ctx, assignments); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world[S]) stop() { w.stopped() }

// happen delivers an input as often as the mode says, with its fault.
func (w *world[S]) happen(i int, in any) error {
	w.t.Helper()
	var err error
	for n := range w.mode.copies {
		if n == 0 && w.mode.fault != nil {
			w.db.SetFaults(w.mode.fault())
		}
		err = w.happenOnce(i, in, n)
		if w.mode.fresh {
			w.stop()
			w.start()
		}
		if err != nil {
			return err
		}
	}
	w.db.SetFaults(store.Faults{})
	return nil
}

func (w *world[S]) happenOnce(i int, in any, n int) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if e, ok := in.(flow.Event); ok {
		return w.deliver(ctx, i, e)
	}
	for _, r := range w.suite.Participant.Rows() {
		if r.Input != reflect.TypeOf(in).Name() {
			continue
		}
		switch r.Kind {
		case flow.KindCommand:
			return w.submit(ctx, i, in)
		case flow.KindResult:
			return ignoreCopy(w.answer(ctx, r.ResultOf, in), n)
		case flow.KindTimer:
			return ignoreCopy(w.elapse(ctx, r.Input, n), n)
		}
	}
	return fmt.Errorf("participant %s has no reaction to %T", w.suite.Participant.Service, in)
}

// errNothingOpen is returned when no call or timer of that name is open.
var errNothingOpen = errors.New("nothing of that name is open")

// ignoreCopy ignores that nothing is open for the copy of a result or a timer.
func ignoreCopy(err error, n int) error {
	if n > 0 && errors.Is(err, errNothingOpen) {
		return nil
	}
	return err
}

// callHandlers returns a handler for each call. It waits for the call's answer.
func (w *world[S]) callHandlers(over <-chan struct{}) (ps []flow.CallHandler) {
	for _, r := range w.suite.Participant.Rows() {
		if r.ResultOf == "" {
			continue
		}
		if w.answers[r.ResultOf] == nil {
			w.answers[r.ResultOf] = make(chan any)
		}
		answers := w.answers[r.ResultOf]
		ps = append(ps, flow.CallHandler{
			Call: r.ResultOf, Result: r.Input, Policy: flow.Policy{Timeout: time.Hour},
			Decode: func(body []byte) (any, error) { return body, nil },
			Do: func(ctx context.Context, _ flow.Call, _ any) (any, error) {
				select {
				case result := <-answers:
					return result, nil
				case <-over:
				case <-ctx.Done():
				}
				return nil, flow.ErrNoEffect
			},
		})
	}
	return ps
}

// answer delivers the result of the key's oldest open call of a name, and waits
// until it is committed.
func (w *world[S]) answer(ctx context.Context, call string, result any) error {
	id := w.column(`SELECT id FROM effects WHERE key = '` + w.key + `' AND name = '` + call + `' ORDER BY n LIMIT 1`)
	if len(id) == 0 {
		return fmt.Errorf("answer %s of %s: %w", call, w.key, errNothingOpen)
	}
	select {
	case w.answers[call] <- result:
	case <-ctx.Done():
		return fmt.Errorf("answer %s of %s: nobody makes it: %w", call, w.key, ctx.Err())
	}
	eventually(w.t, call+" is answered", func(context.Context) bool {
		return len(w.column(`SELECT id FROM effects WHERE id = '`+id[0]+`'`)) == 0
	})
	return nil
}

// elapse makes a timer of the key due now, under the mode's fault, and waits until it
// has run out.
func (w *world[S]) elapse(ctx context.Context, timer string, n int) error {
	id := timer + "/" + w.key
	running := `SELECT id FROM timers WHERE id = '` + id + `'`
	if len(w.column(running)) == 0 {
		return fmt.Errorf("let %s elapse: %w", id, errNothingOpen)
	}
	w.db.SetFaults(store.Faults{}) // the fault is not for this step
	tx, err := w.db.Begin(ctx)
	if err != nil {
		return err
	}
	if err := tx.Exec(ctx, `UPDATE timers SET due = 1 WHERE id = ?`, id); err != nil {
		tx.Rollback(err)
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	if n == 0 && w.mode.fault != nil {
		w.db.SetFaults(w.mode.fault())
	}
	w.engine.Wake()
	eventually(w.t, id+" has run out", func(context.Context) bool { return len(w.column(running+` AND due = 1`)) == 0 })
	return nil
}

func (w *world[S]) submit(ctx context.Context, i int, in any) error {
	c := engine.Command{Key: w.key, Body: in, IdempotencyKey: "command-" + strconv.Itoa(i), Digest: fmt.Sprint(in)}
	_, err := w.engine.Submit(ctx, c)
	if errors.Is(err, engine.ErrOutcomeUnknown) {
		_, err = w.engine.Submit(ctx, c) // as the error demands
	}
	return err
}

// RecordID returns the id of the record that carries a case's i-th input. It is a
// UUID, as the id of each of the kit's own events is.
func RecordID(i int) string { return flow.DeriveID("", "story", "flowtest", "record", i) }

// deliver enqueues an event as a record of its owner's topic, and waits until the
// engine has consumed it.
func (w *world[S]) deliver(ctx context.Context, i int, e flow.Event) error {
	value, dataSchema, err := w.codecs[e.EventOwner()].Encode(e.EventType(), e)
	if err != nil {
		return err
	}
	topic := flow.Topic(e.EventOwner())
	c := w.assignments[topic]
	if c == nil {
		return fmt.Errorf("participant %s does not read %s", w.suite.Participant.Service, topic)
	}
	offset := w.offsets[topic]
	w.offsets[topic]++
	id := RecordID(i)
	r := &record.Record{Topic: topic, Offset: offset, Key: e.EventKey(), Value: value, Headers: []record.Header{
		{Name: "ce_id", Value: id}, {Name: "ce_type", Value: e.EventType()}, {Name: "ce_dataschema", Value: dataSchema},
		{Name: "ce_correlationid", Value: "story"}, {Name: "ce_sequence", Value: strconv.Itoa(i + 1)},
	}}
	if err := w.engine.Enqueue(ctx, c, r); err != nil {
		return err
	}
	eventually(w.t, fmt.Sprintf("%T is taken in", e), func(ctx context.Context) bool {
		next, err := w.engine.Positions(ctx)
		return err == nil && next[topic+"/0"] > offset
	})
	return nil
}
