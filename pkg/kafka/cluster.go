package kafka

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// Cluster is a connection for administration: topics, offsets, group membership.
type Cluster struct {
	s      Settings
	client sarama.Client
	admin  sarama.ClusterAdmin
}

// limitUnpacking bounds the size to which the client unpacks a compressed batch. By
// default it has no bound. The client keeps the bound in a package variable, so it is
// set once.
var limitUnpacking = sync.OnceFunc(func() { sarama.MaxDecompressedBatchSize = recordLimit })

// Connect connects to the cluster. It fails at once when no broker answers;
// the caller tries again.
func Connect(s Settings) (*Cluster, error) {
	limitUnpacking()
	client, err := sarama.NewClient(s.Brokers, s.consumer())
	if err != nil {
		return nil, fmt.Errorf("connect to broker %v: %w", s.Brokers, err)
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, fmt.Errorf("connect to broker %v: %w", s.Brokers, errors.Join(err, client.Close()))
	}
	return &Cluster{s: s, client: client, admin: admin}, nil
}

// Close ends the connection.
func (c *Cluster) Close() error { return c.admin.Close() }

// Create creates a topic of this service, with records kept for ever. It returns nil
// when the topic exists.
func (c *Cluster) Create(topic string) error {
	forever := "-1"
	err := c.admin.CreateTopic(topic, &sarama.TopicDetail{
		NumPartitions: c.s.Partitions, ReplicationFactor: c.s.Replication,
		ConfigEntries: map[string]*string{"retention.ms": &forever, "message.timestamp.type": new("LogAppendTime")},
	}, false)
	if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

// Describe returns those of the topics that exist.
func (c *Cluster) Describe(topics []string) ([]engine.TopicInfo, error) {
	found, err := c.admin.DescribeTopics(topics)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	var ts []engine.TopicInfo
	for _, t := range found {
		switch {
		case errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
		case !errors.Is(t.Err, sarama.ErrNoError):
			return nil, fmt.Errorf("describe topic %s: %w", t.Name, t.Err)
		default:
			ts = append(ts, engine.TopicInfo{Topic: t.Name, Partitions: len(t.Partitions), ID: t.Uuid.String()})
		}
	}
	return ts, nil
}

// forget removes this instance from the group if it joined for other topics. A static
// member that rejoins gets its old partitions without a rebalance, whichever topics it
// subscribes to now:
//
//	joins for two topics ─ dies ─ rejoins within the session time, for three ─ reads two
func (c *Cluster) forget(topics []string) error {
	groups, err := c.admin.DescribeConsumerGroups([]string{c.s.Service})
	if err != nil {
		return fmt.Errorf("describe group %s: %w", c.s.Service, err)
	}
	for _, group := range groups {
		if !errors.Is(group.Err, sarama.ErrNoError) && !errors.Is(group.Err, sarama.ErrGroupIDNotFound) {
			return fmt.Errorf("describe group %s: %w", c.s.Service, group.Err)
		}
		for _, member := range group.Members {
			if member.GroupInstanceId == nil || *member.GroupInstanceId != c.s.Instance {
				continue
			}
			joined, err := member.GetMemberMetadata()
			if err != nil || joined == nil {
				continue // the group is rebalancing now, and will use the new topics
			}
			if slices.Sort(joined.Topics); slices.Equal(joined.Topics, topics) {
				continue
			}
			if _, err := c.admin.RemoveMemberFromConsumerGroup(c.s.Service, []string{c.s.Instance}); err != nil {
				return fmt.Errorf("leave group %s: %w", c.s.Service, err)
			}
		}
	}
	return nil
}

// leader returns the address of a partition's leader, as far as the client knows.
func (c *Cluster) leader(topic string, partition int32) (string, error) {
	if c.client.PartitionNotReadable(topic, partition) {
		return "", sarama.ErrLeaderNotAvailable // without another request for it
	}
	broker, err := c.client.Leader(topic, partition)
	if err != nil {
		return "", err
	}
	return broker.Addr(), nil
}

// partitions lists the partitions of topics. All of the topics must exist.
func (c *Cluster) partitions(topics []string) (map[string][]int32, error) {
	of := make(map[string][]int32, len(topics))
	for _, topic := range topics {
		ps, err := c.client.Partitions(topic)
		if err != nil {
			return nil, fmt.Errorf("list partitions of %s: %w", topic, err)
		}
		of[topic] = ps
	}
	return of, nil
}

// offsets queries one offset of each partition: sarama.OffsetOldest or
// sarama.OffsetNewest. It sends one request per broker, however many partitions.
func (c *Cluster) offsets(partitions map[string][]int32, which int64) (map[string]map[int32]int64, error) {
	ask, asked := make(map[string]map[int32]int64, len(partitions)), 0
	for topic, ps := range partitions {
		ask[topic], asked = make(map[int32]int64, len(ps)), asked+len(ps)
		for _, p := range ps {
			ask[topic][p] = which
		}
	}
	if asked == 0 {
		return ask, nil // a member without partitions; the client returns an error for an empty request
	}
	answers, err := c.admin.ListOffsets(ask, nil)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	for topic, ps := range answers {
		for p, a := range ps {
			if a.Err != nil && !errors.Is(a.Err, sarama.ErrNoError) { // the client reports success as an error value
				return nil, fmt.Errorf("list offset of %s/%d: %w", topic, p, a.Err)
			}
			ask[topic][p] = a.Offset
		}
	}
	return ask, nil
}
