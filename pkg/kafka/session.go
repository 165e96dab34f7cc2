package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// session reads the partitions that this member was assigned.
type session struct {
	c       *Consumer
	cluster *Cluster
	lost    chan *reading     // partitions that need a leader; has room for all
	failed  chan error        // why the session is over
	still   map[string]string // why a partition is blocked, by name; guarded by the consumer's lock
}

func newSession(c *Consumer, cluster *Cluster, assigned []*engine.Assignment) *session {
	s := &session{c: c, cluster: cluster, lost: make(chan *reading, len(assigned)), failed: make(chan error, 1), still: map[string]string{}}
	for _, a := range assigned {
		s.lost <- &reading{s: s, name: fmt.Sprintf("%s/%d", a.Topic, a.Partition), assignment: a, next: a.Start, told: a.Start}
	}
	return s
}

// fail ends the session. Only its first error is reported.
func (s *session) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// run gives each partition to its leader until ctx ends, and again whenever a leader
// gives it back.
func (s *session) run(ctx context.Context) {
	leaders := map[string]*leader{}
	for {
		var lost []*reading
		select {
		case r := <-s.lost:
			lost = append(lost, r)
		case <-ctx.Done():
			return
		}
		topics := map[string]struct{}{}
		for more := true; more; {
			topics[lost[len(lost)-1].assignment.Topic] = struct{}{}
			select {
			case r := <-s.lost:
				lost = append(lost, r)
			default:
				more = false
			}
		}
		// If no broker answers, the partitions stay blocked, and return to lost.
		_ = s.cluster.client.RefreshMetadata(slices.Collect(maps.Keys(topics))...)
		if ctx.Err() != nil || !s.assign(ctx, leaders, lost) && !wait(ctx, retryEvery) {
			return
		}
	}
}

// assign gives partitions to their leaders, each leader all of its partitions at once.
// A leader with the first partition alone would wait for its records before it fetched
// the next. assign reports false if a partition has no leader; that partition returns
// to lost.
func (s *session) assign(ctx context.Context, leaders map[string]*leader, lost []*reading) bool {
	of, all := map[string][]*reading{}, true
	var silent error
	for _, r := range lost {
		address, err := "", silent
		if silent == nil {
			address, err = s.cluster.leader(r.assignment.Topic, r.assignment.Partition)
		}
		if errors.Is(err, sarama.ErrOutOfBrokers) {
			silent = err // each further request would fail as well, and as slowly
		}
		if err != nil {
			r.stands(time.Now(), err)
			s.lost <- r
			all = false
			continue
		}
		of[address] = append(of[address], r)
	}
	for address, readings := range of {
		if leaders[address] == nil {
			leaders[address] = &leader{s: s, address: address, joined: make(chan []*reading, cap(s.lost))}
			go leaders[address].run(ctx)
		}
		leaders[address].joined <- readings
	}
	return all
}

// standsStill notes why a partition is blocked.
func (s *session) standsStill(name string, err error) {
	s.c.mu.Lock()
	_, told := s.still[name] // the messages of one cause differ, in ports and times
	s.still[name] = err.Error()
	s.c.mu.Unlock()
	if !told {
		s.c.log.Warn("partition stands still", "partition", name, "error", err)
	}
}

func (s *session) goesOn(name string) {
	s.c.mu.Lock()
	delete(s.still, name)
	s.c.mu.Unlock()
	s.c.log.Info("partition goes on", "partition", name)
}
