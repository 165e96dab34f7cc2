package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// reader is the engine that a consumer feeds. engine.Engine implements it for each type
// of state.
type reader interface {
	CheckTopics(ctx context.Context, found []engine.TopicInfo) error
	OnAssigned(ctx context.Context, assignments []*engine.Assignment) error
	Enqueue(ctx context.Context, c *engine.Assignment, r *record.Record) error
	// Advance moves the position of an assignment forward to next, over offsets without
	// a record to deliver. The engine handles the step after the records delivered
	// before it. It refuses the step, like a record, once another process has been
	// assigned the partition. Advance returns an error only when ctx ends.
	Advance(ctx context.Context, c *engine.Assignment, next int64) error
	Positions(ctx context.Context) (map[string]int64, error)
}

// Consumer reads a participant's topics as a member of its group.
type Consumer struct {
	s      Settings
	engine reader
	topics []string // topics that the participant reads
	own    []string // topics that this service creates
	log    *slog.Logger

	mu      sync.Mutex
	missing []string // reasons why it reads nothing, or not everything
	cluster *Cluster
	session *session
}

// NewConsumer makes a consumer of topics. own are the topics that this service
// creates when they do not exist.
func NewConsumer(s Settings, e reader, topics, own []string, log *slog.Logger) *Consumer {
	return &Consumer{s: s, engine: e, topics: topics, own: own, log: log, missing: []string{"broker: not connected yet"}}
}

// retryEvery is the time between two attempts to reach a broker, or to find a topic of
// another service.
const retryEvery = 250 * time.Millisecond

// leaveTime bounds how long a stop waits for the group to be left.
const leaveTime = 2 * time.Second

// Run reads until ctx ends, through every outage, and then leaves the group. A broker
// that accepts connections and never answers delays the end by leaveTime at most. The
// client's calls take no context, so Run leaves them behind.
func (c *Consumer) Run(ctx context.Context) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		for ctx.Err() == nil {
			err := c.connected(ctx)
			if err == nil || ctx.Err() != nil {
				return
			}
			c.lost(err)
			wait(ctx, retryEvery)
		}
	}()
	<-ctx.Done()
	select {
	case <-left:
	case <-time.After(leaveTime):
		c.log.Warn("stopped without leaving the consumer group: the broker does not answer")
	}
}

// connected works with one connection until ctx ends or the connection fails.
func (c *Consumer) connected(ctx context.Context) error {
	cluster, err := Connect(c.s)
	if err != nil {
		return err
	}
	defer func() {
		c.mu.Lock()
		c.cluster = nil
		c.mu.Unlock()
		if err := cluster.Close(); err != nil {
			c.log.Debug("close connection", "error", err)
		}
	}()
	for _, topic := range c.own {
		if err := cluster.Create(topic); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.cluster = cluster
	c.mu.Unlock()
	if len(c.topics) == 0 {
		c.set(nil)
		<-ctx.Done()
		return nil
	}
	return c.consume(ctx, cluster)
}

func (c *Consumer) consume(ctx context.Context, cluster *Cluster) error {
	// The group has a client of its own. On a shared connection its heartbeats would
	// queue behind a member's join request, which waits for all other members.
	group, err := sarama.NewConsumerGroup(c.s.Brokers, c.s.Service, c.s.consumer())
	if err != nil {
		return fmt.Errorf("join group %s: %w", c.s.Service, err)
	}
	go func() {
		for err := range group.Errors() {
			c.log.Warn("consumer group", "error", err)
		}
	}()
	defer c.leave(ctx, group, cluster)
	present, err := c.present(ctx, cluster, firstLook)
	if err != nil {
		return err
	}
	if err := cluster.forget(present); err != nil {
		return err
	}
	for ctx.Err() == nil {
		session, stop := context.WithCancel(ctx)
		go c.watch(session, stop, cluster, len(present)) // not waited for: the broker that it asks may never answer
		err := group.Consume(session, present, &handler{c: c, cluster: cluster, group: group, present: present})
		stop()
		if err != nil {
			return fmt.Errorf("consume %v: %w", present, err)
		}
		if present, err = c.present(ctx, cluster, 0); err != nil {
			return err
		}
	}
	return nil
}

// leave closes the group. A static member that only closes keeps its membership until
// the session time is over. That is right for a restart and wrong for a stop: the other
// members would wait for its partitions.
func (c *Consumer) leave(ctx context.Context, group sarama.ConsumerGroup, cluster *Cluster) {
	if err := group.Close(); err != nil {
		c.log.Warn("close consumer group", "error", err)
	}
	if ctx.Err() == nil {
		return // not stopping: it will rejoin
	}
	if _, err := cluster.admin.RemoveMemberFromConsumerGroup(c.s.Service, []string{c.s.Instance}); err != nil {
		c.log.Warn("leave consumer group", "error", err)
	}
}

func (c *Consumer) lost(err error) {
	what := "broker"
	if errors.Is(err, engine.ErrTopology) {
		what = "topics"
	}
	c.log.Warn("not consuming", "error", err)
	c.set([]string{what + ": " + err.Error()})
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
