package kafka

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// firstLook is the time that a starting service waits for the others to create their
// topics. Then it goes on with the topics that exist. A single join with all topics
// spares the group a rebalance.
const firstLook = 3 * time.Second

// present returns the topics that exist. It waits at most d for all of them, and
// without a limit for a first one.
func (c *Consumer) present(ctx context.Context, cluster *Cluster, d time.Duration) ([]string, error) {
	for asked := time.Now(); ; {
		found, err := cluster.Describe(append(slices.Clone(c.topics), c.own...))
		if err != nil {
			return nil, err
		}
		if err := c.engine.CheckTopics(ctx, found); err != nil {
			return nil, err
		}
		var present []string
		for _, t := range found {
			if slices.Contains(c.topics, t.Topic) {
				present = append(present, t.Topic)
			}
		}
		if len(present) == len(c.topics) || len(present) > 0 && time.Since(asked) >= d {
			slices.Sort(present)
			return present, nil
		}
		c.set([]string{"topics: " + c.absent(present)})
		if !wait(ctx, retryEvery) {
			return nil, ctx.Err()
		}
	}
}

func (c *Consumer) absent(present []string) string {
	var absent []string
	for _, t := range c.topics {
		if !slices.Contains(present, t) {
			absent = append(absent, t)
		}
	}
	return strings.Join(absent, ", ") + " not created yet by the service that owns it"
}

// lookAgain is the time between two checks that a session's topics are still those it
// began with. A topic that was deleted and created again has the same name. Its offsets
// may well reach past the positions. A leader checks its partitions, and retries an
// unreadable batch, at the same interval.
const lookAgain = 5 * time.Second

// watch ends a session once more topics exist than it reads, or one of them was
// replaced.
func (c *Consumer) watch(session context.Context, stop func(), cluster *Cluster, reading int) {
	every := lookAgain
	if reading < len(c.topics) {
		every = retryEvery
	}
	for wait(session, every) {
		found, err := cluster.Describe(c.topics)
		if err != nil {
			continue // the session has its own connection, and detects an outage itself
		}
		if len(found) > reading || errors.Is(c.engine.CheckTopics(session, found), engine.ErrTopology) {
			stop()
			return
		}
	}
}

func (c *Consumer) set(missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing = missing
}
