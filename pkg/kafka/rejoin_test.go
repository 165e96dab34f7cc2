package kafka_test

import (
	"context"
	"testing"

	"github.com/IBM/sarama"
)

// A killed service comes back under its name while the group still knows it, and
// asks for more topics than it did before.
func TestRejoiningMemberReadsItsNewTopics(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "former.events", "caller.events")
	earlier := sarama.NewConfig()
	earlier.Version = sarama.V3_6_0_0
	earlier.Consumer.Group.InstanceId = "a"
	earlier.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	group, err := sarama.NewConsumerGroup(s.Brokers, s.Service, earlier)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	joined := make(assigned)
	ended := make(chan error, 1)
	go func() { ended <- group.Consume(ctx, []string{"former.events"}, joined) }()
	select {
	case <-joined:
	case err := <-ended:
		t.Fatalf("the former membership ended: %v", err)
	}
	cancel()
	must(t, <-ended)
	must(t, group.Close()) // a static member does not leave by that

	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	m.ready(t)
	newCaller(t, s).say("hall")
	eventually(t, "what is said is heard", func() bool { return heard(t, db, "hall") == "0" })
}

// assigned tells when its member has joined, and reads nothing.
type assigned chan struct{}

func (a assigned) Setup(sarama.ConsumerGroupSession) error   { close(a); return nil }
func (a assigned) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (a assigned) ConsumeClaim(s sarama.ConsumerGroupSession, _ sarama.ConsumerGroupClaim) error {
	<-s.Context().Done()
	return nil
}
