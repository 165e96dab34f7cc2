package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics holds the metrics of an engine.
type Metrics struct {
	inputs     *prometheus.CounterVec
	batch      prometheus.Histogram
	commit     prometheus.Histogram
	attempts   *prometheus.CounterVec
	alarms     *prometheus.CounterVec
	outOfOrder prometheus.Counter
	split      prometheus.Counter
	refused    prometheus.Counter
	rounds     prometheus.Counter
	shards     prometheus.Gauge
	conflicts  prometheus.Counter
	letters    prometheus.Counter
}

// NewMetrics registers an engine's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		inputs:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_inputs_total", Help: "Inputs by kind, name and outcome."}, []string{"kind", "input", "outcome"}),
		batch:      prometheus.NewHistogram(prometheus.HistogramOpts{Name: "quintet_batch_inputs", Help: "Inputs per committed batch.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		commit:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "quintet_batch_duration_seconds", Help: "Time from the begin of a batch's transaction to its commit.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}),
		attempts:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_call_attempts_total", Help: "Attempts of external calls by outcome."}, []string{"call", "outcome"}),
		alarms:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_call_alarms_total", Help: "Calls that must succeed and keep failing."}, []string{"call"}),
		outOfOrder: prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_events_out_of_order_total", Help: "Events whose sequence is below one seen before. Must stay 0."}),
		split:      prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_batches_split_total", Help: "Batches that the database refused and that were split."}),
		refused:    prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_inputs_refused_by_database_total", Help: "Inputs that the database refused alone."}),
		rounds:     prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_producers_replaced_total", Help: "Producers that failed for good and were replaced."}),
		shards:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "quintet_shards_owned", Help: "Shards of keys whose follow-up work is this instance's; over all instances of a service they are 12. Only in a shared database."}),
		conflicts:  prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_event_id_conflicts_total", Help: "Events whose source and id another event had before. Each is a dead letter."}),
		letters:    prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_dead_letters_total", Help: "Inputs that are given up: each is on the dead-letter topic, and an operator decides."}),
	}
	reg.MustRegister(m.inputs, m.batch, m.commit, m.attempts, m.alarms, m.outOfOrder, m.split, m.refused, m.rounds, m.shards, m.conflicts, m.letters)
	return m
}

// committed records the metrics of a committed batch.
func (m *Metrics) committed(b *batch, took time.Duration) {
	m.batch.Observe(float64(len(b.inputs)))
	m.commit.Observe(took.Seconds())
	m.letters.Add(float64(b.letters))
}
