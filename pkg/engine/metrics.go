package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what an engine counts.
type Metrics struct {
	inputs     *prometheus.CounterVec
	batch      prometheus.Histogram
	commit     prometheus.Histogram
	outbox     prometheus.Gauge
	attempts   *prometheus.CounterVec
	alarms     *prometheus.CounterVec
	outOfOrder prometheus.Counter
	split      prometheus.Counter
	refused    prometheus.Counter
	rounds     prometheus.Counter
	shards     prometheus.Gauge
	conflicts  prometheus.Counter
}

// NewMetrics registers an engine's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		inputs:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_inputs_total", Help: "Inputs by kind, name and outcome."}, []string{"kind", "input", "outcome"}),
		batch:      prometheus.NewHistogram(prometheus.HistogramOpts{Name: "quintet_batch_inputs", Help: "Inputs per committed batch.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		commit:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "quintet_batch_seconds", Help: "Time from the begin of a batch's transaction to its commit.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}),
		outbox:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "quintet_outbox_rows", Help: "Committed events that are not yet acknowledged by the broker and deleted."}),
		attempts:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_effect_attempts_total", Help: "Attempts of external calls by outcome."}, []string{"effect", "outcome"}),
		alarms:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quintet_effect_alarms_total", Help: "Calls that must succeed and keep failing."}, []string{"effect"}),
		outOfOrder: prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_inversions_total", Help: "Events whose sequence is below one seen before. Must stay 0."}),
		split:      prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_batches_bisected_total", Help: "Batches that the database refused and that were split."}),
		refused:    prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_inputs_refused_by_database_total", Help: "Inputs that the database refused alone."}),
		rounds:     prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_producer_failures_total", Help: "Producers that failed for good and were replaced."}),
		shards:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "quintet_leased_shards", Help: "Shards of keys whose follow-up work is this instance's; over all instances of a service they are 12. Only in a shared database."}),
		conflicts:  prometheus.NewCounter(prometheus.CounterOpts{Name: "quintet_event_id_conflicts_total", Help: "Events whose source and id another event had before. Each is a dead letter."}),
	}
	reg.MustRegister(m.inputs, m.batch, m.commit, m.outbox, m.attempts, m.alarms, m.outOfOrder, m.split, m.refused, m.rounds, m.shards, m.conflicts)
	return m
}

func (m *Metrics) observe(inputs int, took time.Duration) {
	m.batch.Observe(float64(inputs))
	m.commit.Observe(took.Seconds())
}
