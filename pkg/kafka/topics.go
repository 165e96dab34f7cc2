package kafka

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// firstLook is how long a service that starts waits for the others to create
// their topics, before it goes on with those that exist. Joining once with all
// of them spares the group a rebalance.
const firstLook = 3 * time.Second

// present returns the topics that exist, waiting for all of them at most d and
// for one of them as long as it takes.
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

// lookAgain is how often a session looks whether its topics are still those it
// began with. One that was deleted and created again answers to the same name,
// and its offsets may well reach past the positions.
const lookAgain = 5 * time.Second

// watch ends a session once more topics exist than it reads, or one of them is
// another.
func (c *Consumer) watch(session context.Context, stop func(), cluster *Cluster, reading int) {
	every := lookAgain
	if reading < len(c.topics) {
		every = retryEvery
	}
	for wait(session, every) {
		found, err := cluster.Describe(c.topics)
		if err != nil {
			continue // the session has a connection of its own, and its own say
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
