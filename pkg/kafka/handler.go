package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// ErrPosition is returned when a stored position lies outside the log.
var ErrPosition = errors.New("stored position lies outside the log")

// errOvertaken ends a session. The group then decides again which member owns the
// partition, and the engine assigns it to that owner anew.
var errOvertaken = errors.New("another process has claimed the partition since")

// handler feeds one session of the group to the engine.
type handler struct {
	c       *Consumer
	cluster *Cluster
	group   sarama.ConsumerGroup
	present []string
	session *session
}

// Setup runs when partitions are assigned, before any of them is read. It takes the
// partitions over in the database, and starts each at its stored position.
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
	// The ends are queried only now, after the engine has raised the generations. Until
	// then a former owner could still handle records that came after an earlier answer.
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
		// MarkOffset moves an offset only forward, ResetOffset only back. Both together
		// set it to the position in the database.
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
	// Setup does not wait for run, since the broker that run asks may never answer. The
	// next session assigns the partitions anew. That assignment refuses any record that
	// this session still delivers.
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

// ConsumeClaim lasts as long as the session. The client is the member of the group, but
// does not read. It would skip a batch that it cannot read, or fail a whole answer
// because of it. The client may fetch once before it is paused; nothing reads that
// answer.
func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	h.group.Pause(map[string][]int32{claim.Topic(): {claim.Partition()}})
	select {
	case err := <-h.session.failed: // returning ends the session for all of them
		return err
	case <-session.Context().Done():
		return nil
	}
}
