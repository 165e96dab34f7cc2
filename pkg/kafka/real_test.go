//go:build containers

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/containers"
)

const stampsRecords = true

// real is a broker in a container. It takes seconds to start, so tests that
// leave it as they found it use it one after the other.
type real struct {
	*containers.Kafka
	disturbed bool // was stopped or killed: what comes back late could meet the next test
}

func (r *real) Stop(ctx context.Context) error { r.disturbed = true; return r.Kafka.Stop(ctx) }

func (r *real) Kill(ctx context.Context) error { r.disturbed = true; return r.Kafka.Kill(ctx) }

// idle are the brokers that no test uses now. There are as many brokers as
// tests run side by side.
type idle struct {
	mu      sync.Mutex
	brokers []*real
}

var reals idle

func (i *idle) take() *real {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.brokers) == 0 {
		return nil
	}
	r := i.brokers[len(i.brokers)-1]
	i.brokers = i.brokers[:len(i.brokers)-1]
	return r
}

func (i *idle) give(r *real) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.brokers = append(i.brokers, r)
}

func TestMain(m *testing.M) {
	code := m.Run()
	for r := reals.take(); r != nil; r = reals.take() {
		if err := r.Terminate(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// openCluster returns a broker without topics.
func openCluster(t *testing.T) cluster {
	t.Helper()
	r := reals.take()
	if r == nil {
		k, err := containers.StartKafka(t.Context())
		must(t, err)
		r = &real{Kafka: k}
	}
	t.Cleanup(func() {
		if r.disturbed || t.Failed() || removeTopics(r.Address()) != nil {
			if err := r.Terminate(context.Background()); err != nil {
				t.Error(err)
			}
			return
		}
		reals.give(r)
	})
	return r
}

// removeTopics deletes what a test left, and waits until the broker knows it. The
// controller knows first, and would create the topic of the next test, while the
// broker takes that test's first records into the log that it is about to delete:
//
//	controller: deleted ── created anew
//	broker:                              said, taken ── deleted, with what was said
func removeTopics(address string) error {
	admin, err := sarama.NewClusterAdmin([]string{address}, sarama.NewConfig())
	if err != nil {
		return err
	}
	defer admin.Close()
	for asked := time.Now(); time.Since(asked) < 10*time.Second; {
		topics, err := admin.ListTopics()
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Collect(maps.Keys(topics)), func(topic string) bool {
			return strings.HasPrefix(topic, "__") // the broker's own
		})
		if len(left) == 0 {
			return nil
		}
		for _, topic := range left {
			if err := admin.DeleteTopic(topic); err != nil && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
				return err
			}
		}
	}
	return errors.New("topics are still there 10 s after they were deleted")
}
