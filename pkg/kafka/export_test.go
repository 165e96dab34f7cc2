package kafka

import (
	"context"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// Jump gives a consumer's reading, which stands at an offset, the record that
// the client goes on with.
func Jump(ctx context.Context, consumer *Consumer, cluster *Cluster, claim *engine.Assignment, goesOnWith *sarama.ConsumerMessage) error {
	h := &handler{c: consumer, cluster: cluster}
	return h.reading("jump", claim).take(ctx, goesOnWith)
}

// Held returns the offsets that a partition's log holds.
func Held(ctx context.Context, cluster *Cluster, topic string, partition int32) (offsets []int64, err error) {
	f := fetcher{cluster: cluster, topic: topic, partition: partition}
	defer f.close()
	p, err := f.fetch(ctx, 0, 0)
	for raw := p.batches; err == nil && len(raw) > 0; {
		var b batch
		if b, raw, err = readBatch(raw); err != nil {
			break
		}
		for r, err := range b.records() {
			if err != nil {
				return nil, err
			}
			offsets = append(offsets, r.Offset)
		}
	}
	return offsets, err
}

// ReadAnswer reads the answer to a fetcher's first request.
func ReadAnswer(raw []byte) error {
	_, err := (&fetcher{}).read(&answer{raw: raw})
	return err
}
