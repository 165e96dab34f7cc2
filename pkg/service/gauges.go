package service

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// gauge is one count of engine.Pending as a metric of Prometheus.
type gauge struct {
	desc  *prometheus.Desc
	of    func(engine.Pending) int64
	byLog bool // counted with the broker, not in the database alone
}

const everyInstance = " Each instance of the service tells the same: take the maximum."

var gauges = []gauge{
	newGauge("quintet_consumer_lag_records", "Records of the topics that the service has not read yet.", func(p engine.Pending) int64 { return p.Lag }, true),
	newGauge("quintet_outbox_rows", "Committed events that the broker has not acknowledged.", func(p engine.Pending) int64 { return p.Outbox }, false),
	newGauge("quintet_open_calls", "External calls without a result.", func(p engine.Pending) int64 { return p.Effects }, false),
	newGauge("quintet_running_timers", "Timers that are neither over nor stopped.", func(p engine.Pending) int64 { return p.Timers }, false),
	newGauge("quintet_parked_rows", "Inputs that could not be handled, and those that wait behind them in their lanes.", func(p engine.Pending) int64 { return p.Parked }, false),
}

func newGauge(name, help string, of func(engine.Pending) int64, byLog bool) gauge {
	return gauge{prometheus.NewDesc(name, help+everyInstance, nil, nil), of, byLog}
}

// Describe sends the descriptions of all gauges.
func (p *pending) Describe(to chan<- *prometheus.Desc) {
	for _, g := range gauges {
		to <- g.desc
	}
}

// Collect counts at each scrape. A count that is unknown now has no sample, since 0
// would say that nothing is left to do; /pending has the reason.
func (p *pending) Collect(to chan<- prometheus.Metric) {
	counts, noLag, noCounts := p.count(context.Background()) // a collector is given no context; count has bounds of its own
	for _, g := range gauges {
		if g.byLog && noLag == nil || !g.byLog && noCounts == nil {
			to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(g.of(counts)))
		}
	}
}
