package service

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/quintet-eda/quintet/pkg/engine"
)

func TestGaugesLeaveOutWhatIsNotKnown(t *testing.T) {
	gone := func(context.Context) (engine.Pending, error) { return engine.Pending{}, errors.New("no database") }
	for name, c := range map[string]struct {
		left *pending
		want map[string]string
	}{
		"all is well": {newPending(counted, behind(7, nil)), map[string]string{
			"quintet_consumer_lag_records": "7", "quintet_outbox_rows": "2", "quintet_open_calls": "3", "quintet_running_timers": "4", "quintet_parked_rows": "5",
		}},
		"the broker is away": {newPending(counted, behind(0, errors.New("no broker"))), map[string]string{
			"quintet_outbox_rows": "2", "quintet_open_calls": "3", "quintet_running_timers": "4", "quintet_parked_rows": "5",
		}},
		"the database is away": {newPending(gone, behind(7, nil)), map[string]string{"quintet_consumer_lag_records": "7"}},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := prometheus.NewRegistry()
			metrics.MustRegister(c.left)
			got, err := testutil.GatherAndCount(metrics)
			if err != nil || got != len(c.want) {
				t.Errorf("%d gauges, want %d: %v", got, len(c.want), err)
			}
			for metric, value := range c.want {
				families, err := metrics.Gather()
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range families {
					if f.GetName() == metric && !strings.Contains(f.String(), "value:"+value) {
						t.Errorf("%s is not %s: %s", metric, value, f)
					}
				}
			}
			if problems, err := testutil.GatherAndLint(metrics); err != nil || len(problems) > 0 {
				t.Errorf("names: %v, %v", problems, err)
			}
		})
	}
}
