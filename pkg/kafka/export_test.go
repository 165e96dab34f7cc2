package kafka

import (
	"context"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// FetchVersion is the version of the fetches that are not the client's.
const FetchVersion = fetchVersion

// Held returns the offsets that a partition's log holds.
func Held(ctx context.Context, cluster *Cluster, topic string, partition int32) (offsets []int64, err error) {
	leader, err := cluster.client.Leader(topic, partition)
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, cluster.client, leader.Addr())
	if err != nil {
		return nil, err
	}
	defer conn.conn.Close()
	topics, err := conn.fetch(ctx, []*reading{{assignment: &engine.Assignment{Topic: topic, Partition: partition}}}, 0)
	if err != nil {
		return nil, err
	}
	for raw := topics[0].Partitions[0].RecordBatches; len(raw) > 0; {
		var b batch
		if b, raw, err = readBatch(raw); err != nil {
			return nil, err
		}
		for r, err := range b.records() {
			if err != nil {
				return nil, err
			}
			offsets = append(offsets, r.Offset)
		}
	}
	return offsets, nil
}

// ReadAnswer reads the answer to a fetch.
func ReadAnswer(raw []byte) error {
	_, err := read(raw)
	return err
}
