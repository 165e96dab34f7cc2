package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/IBM/sarama"
)

// Missing tells why this consumer does not read everything it should: a
// sentence per dependency, and one per partition that stands still. A partition
// counts as standing still when its log cannot be read or its broker does not
// answer, not when the engine takes its time.
func (c *Consumer) Missing() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	missing := slices.Clone(c.missing)
	if c.session != nil {
		for _, name := range slices.Sorted(maps.Keys(c.session.still)) {
			missing = append(missing, "partition: "+c.session.still[name])
		}
	}
	return missing
}

// Lag returns how many offsets of the topics that this participant reads are
// not taken in, by whichever of its instances: the ends of all partitions, less
// the positions in the database that the instances share. What is never
// delivered, the marks of transactions and what was aborted, counts until the
// instance that reads its partition has passed it over; what lies behind a
// transaction that is still open counts until it ends.
func (c *Consumer) Lag(ctx context.Context) (int64, error) {
	c.mu.Lock()
	cluster := c.cluster
	c.mu.Unlock()
	if cluster == nil {
		return 0, errors.New("lag is unknown: not connected to the broker now")
	}
	if len(c.topics) == 0 {
		return 0, nil
	}
	partitions, err := cluster.partitions(c.topics)
	if err != nil {
		return 0, err
	}
	newest, err := cluster.offsets(partitions, sarama.OffsetNewest)
	if err != nil {
		return 0, err
	}
	// The positions are read after the ends, so a record that comes between
	// can make the lag too small by what was handled, never hide one.
	next, err := c.engine.Positions(ctx)
	if err != nil {
		return 0, err
	}
	var lag int64
	for topic, ps := range newest {
		for p, end := range ps {
			lag += max(0, end-next[fmt.Sprintf("%s/%d", topic, p)])
		}
	}
	return lag, nil
}
