package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/flow"
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
	present []string
}

// Setup runs when partitions are assigned, before any of them is read. It takes
// them over in the database and starts each at the position stored there.
func (h *handler) Setup(session sarama.ConsumerGroupSession) error {
	oldest, err := h.cluster.offsets(session.Claims(), sarama.OffsetOldest)
	if err != nil {
		return err
	}
	var claims []*flow.Claim
	for topic, partitions := range session.Claims() {
		for _, p := range partitions {
			claims = append(claims, &flow.Claim{
				Topic: topic, Partition: p, LogStart: oldest[topic][p],
				Mark: func(next int64) { session.MarkOffset(topic, p, next, "") },
			})
		}
	}
	if err := h.c.engine.Assign(session.Context(), claims); err != nil {
		return err
	}
	// The ends are asked for only now: until the epochs were raised a former
	// owner could still take in what came after an earlier answer.
	newest, err := h.cluster.offsets(session.Claims(), sarama.OffsetNewest)
	if err != nil {
		return err
	}
	byName := make(map[string]*flow.Claim, len(claims))
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
		byName[name] = c
	}
	if len(h.present) < len(h.c.topics) {
		missing = append(missing, "topics: "+h.c.absent(h.present))
	}
	h.c.mu.Lock()
	h.c.claims, h.c.missing, h.c.joined = byName, missing, true
	h.c.mu.Unlock()
	h.c.log.Info("partitions assigned", "topics", h.present, "partitions", len(claims), "generation", session.GenerationID())
	return nil
}

// Cleanup runs when the session has ended.
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	h.c.claims, h.c.joined = map[string]*flow.Claim{}, false
	h.c.missing = []string{"broker: rebalancing"}
	return nil
}

// ConsumeClaim reads one partition until the session ends. Returning earlier
// would end the session for all of them, so nothing that is wrong with a
// record does.
func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	h.c.mu.Lock()
	c := h.c.claims[fmt.Sprintf("%s/%d", claim.Topic(), claim.Partition())]
	h.c.mu.Unlock()
	if c == nil { // its position is outside the log: it is not read, and the service says so
		<-session.Context().Done()
		return nil
	}
	if claim.InitialOffset() != c.Start {
		// The log lost its beginning after Setup had looked, and the client
		// went on from the new one by itself. The next Setup says so.
		return fmt.Errorf("%w: %s/%d is at %d, and was opened at %d", ErrPosition, c.Topic, c.Partition, c.Start, claim.InitialOffset())
	}
	for {
		select {
		case m, open := <-claim.Messages():
			if !open {
				return nil
			}
			if err := h.c.engine.Deliver(session.Context(), c, record(m)); err != nil {
				if errors.Is(err, context.Canceled) {
					return nil // the session ended; its next owner reads from the position
				}
				return err
			}
		case <-c.Lost():
			return fmt.Errorf("%w: %s/%d", errOvertaken, c.Topic, c.Partition)
		case <-session.Context().Done():
			return nil
		}
	}
}

func record(m *sarama.ConsumerMessage) *flow.Record {
	r := &flow.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: string(m.Key), Value: m.Value, Headers: make([]flow.Header, len(m.Headers))}
	for i, h := range m.Headers {
		r.Headers[i] = flow.Header{Name: string(h.Key), Value: string(h.Value)}
	}
	return r
}
