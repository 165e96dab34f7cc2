package kafka_test

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/kafka"
)

func connect(t *testing.T, s kafka.Settings) *kafka.Cluster {
	t.Helper()
	c, err := kafka.Connect(s)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// operator is a connection of tools.
func operator(t *testing.T, s kafka.Settings) sarama.ClusterAdmin {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	admin, err := sarama.NewClusterAdmin(s.Brokers, config)
	must(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

func TestATopicIsCreatedOnceWithItsSettings(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	c := connect(t, s)
	must(t, c.Create("echo.events"))
	first := describe(t, c, "echo.events")
	other := s
	other.Partitions = 7
	must(t, connect(t, other).Create("echo.events")) // is content with what there is
	must(t, c.Create("echo.events"))
	if diff := cmp.Diff(first, describe(t, c, "echo.events")); diff != "" {
		t.Error(diff)
	}
	if first.Partitions != partitions || first.ID == "" || first.ID == "AAAAAAAAAAAAAAAAAAAAAA" {
		t.Errorf("got %+v", first)
	}
	results, err := operator(t, s).DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: "echo.events"}}, sarama.DescribeConfigsOptions{})
	must(t, err)
	got := map[string]string{}
	for _, r := range results {
		for _, e := range r.Configs {
			got[e.Name] = e.Value
		}
	}
	for name, want := range map[string]string{"retention.ms": "-1", "message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete", "compression.type": "producer", "max.message.bytes": "1048588"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// describe waits for a topic: a cluster tells of a new one a moment later.
func describe(t *testing.T, c *kafka.Cluster, topic string) (d engine.TopicInfo) {
	t.Helper()
	eventually(t, topic+" is there", func() bool {
		found, err := c.Describe([]string{topic})
		must(t, err)
		if len(found) == 1 {
			d = found[0]
		}
		return d.Topic == topic
	})
	return d
}

func TestATopicThatIsNotThereIsLeftOut(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	found, err := connect(t, s).Describe([]string{"nobody.events", "caller.events"})
	must(t, err)
	if len(found) != 1 || found[0].Topic != "caller.events" {
		t.Errorf("found %+v", found)
	}
}

func TestATopicIsNotCreatedByBeingUsed(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	c := foreign(t, s, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "nobody.events", Value: []byte("x")}).FirstErr(); err == nil {
		t.Error("a record was taken for a topic that nobody created")
	}
	found, err := connect(t, s).Describe([]string{"nobody.events"})
	must(t, err)
	if len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

func TestATopicThatIsCreatedAgainHasAnotherID(t *testing.T) {
	t.Parallel()
	cluster, s := broker(t)
	createTopics(t, s, "caller.events")
	before := describe(t, connect(t, s), "caller.events")
	must(t, cluster.Stop(t.Context()))
	must(t, cluster.Start(t.Context()))
	c := connect(t, s)
	if after := describe(t, c, "caller.events"); after != before {
		t.Errorf("a restart made %+v of %+v", after, before)
	}
	must(t, operator(t, s).DeleteTopic("caller.events"))
	must(t, c.Create("caller.events"))
	eventually(t, "its id is another", func() bool { return describe(t, c, "caller.events").ID != before.ID })
}
