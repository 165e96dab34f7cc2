package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// ErrPosition is returned when a stored position lies outside the log.
var ErrPosition = errors.New("stored position lies outside the log")

// errOvertaken ends a session, so that the group says once more whose the
// partition is, and its owner claims it again.
var errOvertaken = errors.New("another process has claimed the partition since")

// handler feeds one session of the group to the engine.
type handler struct {
	c       *Consumer
	cluster *Cluster
	group   sarama.ConsumerGroup
	present []string
}

// Setup runs when partitions are assigned, before any of them is read. It takes
// them over in the database and starts each at the position stored there.
func (h *handler) Setup(session sarama.ConsumerGroupSession) error {
	oldest, err := h.cluster.offsets(session.Claims(), sarama.OffsetOldest)
	if err != nil {
		return err
	}
	var claims []*engine.Assignment
	for topic, partitions := range session.Claims() {
		for _, p := range partitions {
			claims = append(claims, &engine.Assignment{
				Topic: topic, Partition: p, LogStart: oldest[topic][p],
				Commit: func(next int64) { session.MarkOffset(topic, p, next, "") },
			})
		}
	}
	if err := h.c.engine.OnAssigned(session.Context(), claims); err != nil {
		return err
	}
	// The ends are asked for only now: until the epochs were raised a former
	// owner could still take in what came after an earlier answer.
	newest, err := h.cluster.offsets(session.Claims(), sarama.OffsetNewest)
	if err != nil {
		return err
	}
	h.group.ResumeAll() // the client keeps in mind what it let go of
	readings := make(map[string]*reading, len(claims))
	var missing []string
	for _, c := range claims {
		name := fmt.Sprintf("%s/%d", c.Topic, c.Partition)
		if start, end := oldest[c.Topic][c.Partition], newest[c.Topic][c.Partition]; c.Start < start || c.Start > end {
			missing = append(missing, fmt.Sprintf("position: %v: %s is at %d and the log holds %d to %d; nothing is reset by itself", ErrPosition, name, c.Start, start, end))
			continue
		}
		// Marking moves an offset only forward, resetting only back: both
		// together put it where the database says.
		session.MarkOffset(c.Topic, c.Partition, c.Start, "")
		session.ResetOffset(c.Topic, c.Partition, c.Start, "")
		readings[name] = h.reading(name, c)
	}
	if len(h.present) < len(h.c.topics) {
		missing = append(missing, "topics: "+h.c.absent(h.present))
	}
	h.c.mu.Lock()
	h.c.readings, h.c.missing, h.c.still = readings, missing, map[string]string{}
	h.c.mu.Unlock()
	go h.lookOn(session.Context(), session.Claims(), readings) // not waited for: it may be asking a broker that says nothing
	h.c.log.Info("partitions assigned", "topics", h.present, "partitions", len(claims), "generation", session.GenerationID())
	return nil
}

// Cleanup runs when the session has ended.
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	h.c.readings, h.c.still = nil, map[string]string{}
	h.c.missing = []string{"broker: rebalancing"}
	return nil
}

func (h *handler) reading(name string, c *engine.Assignment) *reading {
	r := &reading{
		c: h.c, name: name, claim: c, told: c.Start, wake: make(chan struct{}, 1),
		from:  fetcher{cluster: h.cluster, topic: c.Topic, partition: c.Partition},
		pause: func() { h.letGo(c.Topic, c.Partition) },
	}
	r.next.Store(c.Start)
	return r
}

// letGo has the client fetch no more of a partition in this session.
func (h *handler) letGo(topic string, partition int32) {
	h.group.Pause(map[string][]int32{topic: {partition}})
}

// lookEvery is how often a session looks whether each of its partitions goes on
// while its log does.
const lookEvery = time.Second

// lookOn has the logs looked at of which nothing was read since the last look,
// though they go on. The client may be at fault; or what is left in the log is
// nothing to be handed over, and should not count as lag.
func (h *handler) lookOn(session context.Context, claims map[string][]int32, readings map[string]*reading) {
	before := make(map[string]int64, len(readings))
	for wait(session, lookEvery) {
		ends, err := h.cluster.offsets(claims, sarama.OffsetNewest)
		for name, r := range readings {
			next := r.next.Load()
			was, known := before[name]
			before[name] = next
			if known && was == next && (err != nil || ends[r.claim.Topic][r.claim.Partition] > next) {
				r.look()
			}
		}
	}
}

// ConsumeClaim reads one partition until the session ends. Returning earlier
// would end the session for all of them, so nothing that is wrong with a
// record does.
func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	h.c.mu.Lock()
	r := h.c.readings[fmt.Sprintf("%s/%d", claim.Topic(), claim.Partition())]
	h.c.mu.Unlock()
	if r == nil { // its position is outside the log: it is not read, and the service says so
		h.letGo(claim.Topic(), claim.Partition()) // nor is anybody to wait for what the client makes of it
		<-session.Context().Done()
		return nil
	}
	if claim.InitialOffset() != r.claim.Start {
		// The log lost its beginning after Setup had looked, and the client
		// went on from the new one by itself. The next Setup says so.
		return fmt.Errorf("%w: %s is at %d, and was opened at %d", ErrPosition, r.name, r.claim.Start, claim.InitialOffset())
	}
	r.client = claim
	if err := r.run(session.Context()); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // the session ended; its next owner reads from the position
}

func toRecord(m *sarama.ConsumerMessage) *record.Record {
	r := &record.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: string(m.Key), Value: m.Value, Headers: make([]record.Header, len(m.Headers))}
	for i, h := range m.Headers {
		r.Headers[i] = record.Header{Name: string(h.Key), Value: string(h.Value)}
	}
	return r
}
