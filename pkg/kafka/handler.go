package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// ErrPosition is returned when a stored position lies outside the log.
var ErrPosition = errors.New("stored position lies outside the log")

// errOvertaken ends a session, so that the group says once more whose the
// partition is, and it is assigned to its owner again.
var errOvertaken = errors.New("another process has claimed the partition since")

// handler feeds one session of the group to the engine.
type handler struct {
	c       *Consumer
	cluster *Cluster
	group   sarama.ConsumerGroup
	present []string
	session *session
}

// Setup runs when partitions are assigned, before any of them is read. It takes
// them over in the database and starts each at the position stored there.
func (h *handler) Setup(session sarama.ConsumerGroupSession) error {
	oldest, err := h.cluster.offsets(session.Claims(), sarama.OffsetOldest)
	if err != nil {
		return err
	}
	var assignments []*engine.Assignment
	for topic, partitions := range session.Claims() {
		for _, p := range partitions {
			assignments = append(assignments, &engine.Assignment{
				Topic: topic, Partition: p, LogStart: oldest[topic][p],
				Commit: func(next int64) { session.MarkOffset(topic, p, next, "") },
			})
		}
	}
	if err := h.c.engine.OnAssigned(session.Context(), assignments); err != nil {
		return err
	}
	// The ends are asked for only now: until the epochs were raised a former
	// owner could still take in what came after an earlier answer.
	newest, err := h.cluster.offsets(session.Claims(), sarama.OffsetNewest)
	if err != nil {
		return err
	}
	var assigned []*engine.Assignment
	var missing []string
	for _, c := range assignments {
		if start, end := oldest[c.Topic][c.Partition], newest[c.Topic][c.Partition]; c.Start < start || c.Start > end {
			missing = append(missing, fmt.Sprintf("position: %v: %s/%d is at %d and the log holds %d to %d; nothing is reset by itself", ErrPosition, c.Topic, c.Partition, c.Start, start, end))
			continue
		}
		// Marking moves an offset only forward, resetting only back: both
		// together put it where the database says.
		session.MarkOffset(c.Topic, c.Partition, c.Start, "")
		session.ResetOffset(c.Topic, c.Partition, c.Start, "")
		assigned = append(assigned, c)
	}
	if len(h.present) < len(h.c.topics) {
		missing = append(missing, "topics: "+h.c.absent(h.present))
	}
	h.session = newSession(h.c, h.cluster, assigned)
	h.c.mu.Lock()
	h.c.missing, h.c.session = missing, h.session
	h.c.mu.Unlock()
	// It is not waited for, since it may be asking a broker that says nothing. The
	// next session assignments the partitions anew, which refuses what this one still brings.
	go h.session.run(session.Context())
	h.c.log.Info("partitions assigned", "topics", h.present, "partitions", len(assignments), "generation", session.GenerationID())
	return nil
}

// Cleanup runs when the session has ended.
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	h.c.session = nil
	h.c.missing = []string{"broker: rebalancing"}
	return nil
}

// ConsumeClaim lasts as long as the session. The client is the member of the group and
// does not read: it steps over a batch that it cannot read, or fails a whole answer for
// it. It may fetch once before it is paused; nobody takes what it got.
func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	h.group.Pause(map[string][]int32{claim.Topic(): {claim.Partition()}})
	select {
	case err := <-h.session.failed: // returning ends the session for all of them
		return err
	case <-session.Context().Done():
		return nil
	}
}
