package flowtest

import (
	"context"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// outputs returns all events ever published, each once, and all open calls, as
// lines.
func (w *world[S]) outputs() []string {
	w.t.Helper()
	return scrub(append(w.events(), w.calls()...), nil)
}

func (w *world[S]) events() []string {
	w.t.Helper()
	eventually(w.t, "everything that is committed is published", func(context.Context) bool { return w.unpublished() == 0 })
	seen := map[string]bool{}
	var lines []string
	for _, r := range w.log.Records() {
		id, kind := header(r, "ce_id"), header(r, "ce_type")
		if seen[id] {
			continue
		}
		seen[id] = true
		if kind == "" {
			w.t.Fatalf("dead letter: %s", header(r, "dl_cause"))
		}
		writer, err := w.codecs[w.suite.Participant.Service].Writer(w.t.Context(), r.Value, header(r, "ce_dataschema"))
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := writer.JSON()
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, last(kind)+" "+string(text))
	}
	return lines
}

// unpublished counts the outbox rows that are not in the log. Published rows may
// stay a little: the next batch deletes them.
func (w *world[S]) unpublished() (n int) {
	published := map[string]bool{}
	for _, r := range w.log.Records() {
		published[header(r, "ce_id")] = true
	}
	for _, id := range w.column(`SELECT id FROM outbox`) {
		if !published[id] {
			n++
		}
	}
	return n
}

func (w *world[S]) calls() []string {
	w.t.Helper()
	return w.column(`SELECT name || ' ' || body FROM effects ORDER BY key, n`)
}

func (w *world[S]) column(query string) []string {
	w.t.Helper()
	rows, err := w.db.Read().QueryContext(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			w.t.Fatal(err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return values
}

// since returns the outputs that are not among those before.
func (w *world[S]) since(before []string) []string {
	left := map[string]int{}
	for _, line := range before {
		left[line]++
	}
	var lines []string
	for _, line := range w.outputs() {
		if left[line] > 0 {
			left[line]--
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// state reads the state of the case's key as a batch would.
func (w *world[S]) state() S {
	w.t.Helper()
	tx, err := w.db.Begin(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer tx.Rollback(nil)
	in := &flow.Input{Key: w.key, Name: "state"}
	unit, err := w.suite.Store.Load(w.t.Context(), tx, []*flow.Input{in})
	if err != nil {
		w.t.Fatal(err)
	}
	return unit.State(in)
}
