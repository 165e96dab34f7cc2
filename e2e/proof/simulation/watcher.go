package simulation

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
)

// watcher uses the engine's log as the witness of rare paths: operators see no more of
// them than that log.
type watcher struct {
	w *world
	p *process
}

func (watcher) Enabled(context.Context, slog.Level) bool { return true }
func (h *watcher) WithAttrs([]slog.Attr) slog.Handler    { return h }
func (h *watcher) WithGroup(string) slog.Handler         { return h }

func (h *watcher) Handle(_ context.Context, r slog.Record) error {
	if h.p.gone() {
		return nil
	}
	is := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool {
		is[a.Key] = a.Value
		return true
	})
	switch r.Message {
	case "handled":
		h.handled(r.Level, is)
	case "leases":
		for _, how := range []string{"gained", "lost", "giving_back"} {
			if is[how].Int64() > 0 {
				h.w.seen("leases: " + how)
			}
		}
	default:
		h.w.seen("log: " + r.Message)
	}
	return nil
}

func (h *watcher) handled(level slog.Level, is map[string]slog.Value) {
	kind, outcome := is["kind"].String(), engine.Outcome(is["outcome"].String())
	h.w.seen(kind + " " + string(outcome))
	if level == slog.LevelError && outcome == engine.Applied {
		h.w.violate("an inversion was told") // an applied input logs no other error
	}
	if kind != string(flow.KindEvent) {
		return
	}
	topic, n := is["topic"].String(), is["partition"].Int64()
	if r, there := h.w.topics.at(topic, int32(n), is["offset"].Int64()); there {
		h.p.batch(len(r.Value))
	}
	if outcome == engine.Fenced && h.w.group.owner[partition{topic, int32(n)}] != h.p {
		h.w.seen("a record was refused whose partition was another's")
	}
}

// count reads a process's counters for paths that its log does not show.
func (w *world) count(metrics *prometheus.Registry) {
	families, err := metrics.Gather()
	if err != nil {
		panic(err) // they are the engine's own
	}
	for _, f := range families {
		switch f.GetName() {
		case "quintet_batches_split_total", "quintet_inputs_refused_by_database_total":
			for range int(f.GetMetric()[0].GetCounter().GetValue()) {
				w.seen("counter: " + f.GetName())
			}
		case "quintet_events_out_of_order_total":
			if n := f.GetMetric()[0].GetCounter().GetValue(); n > 0 {
				w.violate("%s", fmt.Sprint(n, " inversions were counted"))
			}
		}
	}
}
