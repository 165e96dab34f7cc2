package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/IBM/sarama"
)

// Missing reports why this consumer does not read everything it should. It returns a
// sentence per dependency, and one per blocked partition. A partition counts as blocked
// when its log cannot be read or its broker does not answer. A slow engine does not
// block a partition in this sense.
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

// Lag returns how many offsets of this participant's topics are not yet handled, by any
// of its instances. It subtracts the positions in the database, which the instances
// share, from the ends of all partitions. Transaction markers and aborted records are
// never delivered. They count until the instance that reads their partition has passed
// them. Offsets behind an open transaction count until the transaction ends.
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
	// The positions are read after the ends. Records handled between the two reads can
	// make the lag too small by their number. They never hide a record that is not
	// handled.
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
