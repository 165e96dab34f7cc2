package flow

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what an engine counts.
type Metrics struct {
	inputs   *prometheus.CounterVec
	batch    prometheus.Histogram
	commit   prometheus.Histogram
	outbox   prometheus.Gauge
	attempts *prometheus.CounterVec
	alarms   *prometheus.CounterVec
	inverted prometheus.Counter
	bisected prometheus.Counter
	refused  prometheus.Counter
	rounds   prometheus.Counter
	shards   prometheus.Gauge
	missed   prometheus.Counter
}

// NewMetrics registers an engine's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		inputs:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_inputs_total", Help: "Inputs by kind, name and outcome."}, []string{"kind", "input", "outcome"}),
		batch:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "quintet_batch_inputs", Help: "Inputs per committed batch.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		commit:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "quintet_batch_seconds", Help: "Time from the begin of a batch's transaction to its commit.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}),
		outbox:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "quintet_outbox_rows", Help: "Committed events that are not yet acknowledged by the broker and deleted."}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_effect_attempts_total", Help: "Attempts of external calls by outcome."}, []string{"effect", "outcome"}),
		alarms:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_effect_alarms_total", Help: "Calls that must succeed and keep failing."}, []string{"effect"}),
		inverted: prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_inversions_total", Help: "Events whose sequence is below one seen before. Must stay 0."}),
		bisected: prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_batches_bisected_total", Help: "Batches that the database refused and that were split."}),
		refused:  prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_inputs_refused_by_database_total", Help: "Inputs that the database refused alone."}),
		rounds:   prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_producer_failures_total", Help: "Producers that failed for good and were replaced."}),
		shards:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "quintet_leased_shards", Help: "Shards of keys whose follow-up work is this instance's; over all instances of a service they are 12. Only in a shared database."}),
		missed:   prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_untold_total", Help: "Rows of other instances' commits that were found by looking, before or instead of being told."}),
	}
	reg.MustRegister(m.inputs, m.batch, m.commit, m.outbox, m.attempts, m.alarms, m.inverted, m.bisected, m.refused, m.rounds, m.shards, m.missed)
	return m
}

func (m *Metrics) observe(inputs int, took time.Duration) {
	m.batch.Observe(float64(inputs))
	m.commit.Observe(took.Seconds())
}
