package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// steps are the uses of a service's CPU. A sample belongs to the first step with one of
// its functions. So a step that several others use comes after them. Time in the kernel
// belongs to the function that called it.
var steps = []struct {
	name      string
	functions []string // parts of their names
}{
	{"garbage collection", []string{"runtime.gcBgMark", "runtime.gcAssist", "runtime.gcStart", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcMark"}},
	{"log lines", []string{"log/slog.", "pkg/telemetry."}},
	{"metrics", []string{"prometheus/client_golang"}},
	{"publish: the client", []string{"sarama.(*asyncProducer)", "sarama.(*topicProducer)", "sarama.(*partitionProducer)", "sarama.(*brokerProducer)", "pkg/kafka.(*Producer)"}},
	{"group and topics: the client", []string{"IBM/sarama."}},
	{"commit: fsync", []string{"_unixSync", "libc.Xfsync", "libc.Xfdatasync"}},
	{"commit: the rest", []string{"pkg/store.(*Tx).commit"}},
	{"begin", []string{"pkg/store.(*DB).Begin"}},
	{"write what changed", []string{"pkg/store.(*Tx).Commit", "engine.(*batch).write"}},
	{"react", []string{"]).fold"}},
	{"load what it needs", []string{"]).try", "]).transact"}},
	{"after the commit", []string{"]).onCommitted"}},
	{"read the next to publish", []string{"engine.(*relay"}},
	{"call: mail", []string{"services/email.sender"}},
	{"call: provider and carrier", []string{"pkg/flow.HandleCall", "services/payment.provider", "services/shipping.carrier"}},
	{"read what follows: calls, timers, lanes", []string{"engine.(*calls", "engine.(*timers", "engine.(*lanes", "engine.(*parked", "engine.(*follower", "]).follow", "engine.(*leases", "pkg/store.(*DB).Listen", "pkg/store.(*DB).Signal"}},
	{"decode", []string{"]).Enqueue", "]).envelope"}},
	{"read the log", []string{"pkg/kafka."}},
	{"gather a batch", []string{"pkg/engine.", "pkg/store.", "pkg/flow."}},
	{"HTTP", []string{"net/http.", "labstack/echo"}},
	{"database's driver, besides", []string{"database/sql.", "jackc/pgx", "modernc.org/sqlite"}},
	{"goroutines: to find what runs next", []string{"runtime.schedule", "runtime.findRunnable", "runtime.mcall", "runtime.sysmon", "runtime.mstart", "runtime.park_m", "runtime.goexit0", "runtime.wakep"}},
}

// unnamed is the step of all samples without a step.
const unnamed = "unnamed"

// stepOf is the step that a sample belongs to.
func stepOf(s *profile.Sample) string {
	for _, step := range steps {
		for _, location := range s.Location {
			for _, line := range location.Line {
				for _, part := range step.functions {
					if strings.Contains(line.Function.Name, part) {
						return step.name
					}
				}
			}
		}
	}
	return unnamed
}

// byStep sums up a CPU profile.
func byStep(p *profile.Profile) (map[string]time.Duration, error) {
	at := -1
	for i, kind := range p.SampleType {
		if kind.Type == "cpu" && kind.Unit == "nanoseconds" {
			at = i
		}
	}
	if at < 0 {
		return nil, errors.New("profile is not of CPU time")
	}
	sum := map[string]time.Duration{}
	for _, s := range p.Sample {
		sum[stepOf(s)] += time.Duration(s.Value[at])
	}
	return sum, nil
}

// profiled are free addresses at which services serve their profiles.
func profiled(services []string) (map[string]string, error) {
	at := map[string]string{}
	for _, service := range services {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		at[service] = l.Addr().String()
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
	return at, nil
}

// profileOver reads a service's CPU profile over a window.
func profileOver(ctx context.Context, address string, w window) (map[string]time.Duration, error) {
	if err := until(ctx, w.from); err != nil {
		return nil, err
	}
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, int(time.Until(w.to).Seconds()+0.5))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	defer res.Body.Close()
	p, err := profile.Parse(res.Body)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", address, err)
	}
	return byStep(p)
}

// profiledOne is the profile of one service, or its error.
type profiledOne struct {
	service string
	steps   map[string]time.Duration
	err     error
}

// collect waits for all profiles, and returns each service's steps for each of n orders.
func collect(profiles chan profiledOne, n int) (map[string]map[string]float64, error) {
	all := map[string]map[string]float64{}
	for range cap(profiles) {
		of := <-profiles
		if of.err != nil {
			return nil, of.err
		}
		all[of.service] = map[string]float64{}
		for step, took := range of.steps {
			all[of.service][step] = float64(took.Microseconds()) / 1000 / float64(n)
		}
	}
	return all, nil
}
