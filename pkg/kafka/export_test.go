package kafka

import (
	"context"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Jump gives a consumer's reading, which stands at an offset, the record that
// the client goes on with.
func Jump(ctx context.Context, consumer *Consumer, cluster *Cluster, claim *flow.Claim, goesOnWith *sarama.ConsumerMessage) error {
	h := &handler{c: consumer, cluster: cluster}
	return h.reading("jump", claim).take(ctx, goesOnWith)
}
