package engine

import (
	"context"
	"errors"
	"fmt"
)

// TopicInfo is a topic as the broker describes it.
type TopicInfo struct {
	Topic      string
	Partitions int
	ID         string // the broker's own id of the topic: another after it was deleted and created again
}

// ErrTopology is returned when a topic is not the one that this participant recorded.
// The engine resets nothing by itself. The positions may belong to another log, or the
// keys may be spread over another number of partitions. An operator decides.
var ErrTopology = errors.New("topic is not the one this service has been reading")

// CheckTopics records each topic that it meets for the first time, and compares every
// other topic with the recorded one.
func (e *Engine[S]) CheckTopics(ctx context.Context, found []TopicInfo) (err error) {
	tx, err := e.DB.Begin(ctx)
	if err != nil {
		return err
	}
	known := map[string]TopicInfo{}
	err = tx.Each(ctx, func(scan scanner) error {
		var t TopicInfo
		if err := scan(&t.Topic, &t.Partitions, &t.ID); err != nil {
			return err
		}
		known[t.Topic] = t
		return nil
	}, `SELECT name, partitions, topic_id FROM topics`)
	var args []any
	for _, t := range found {
		was, met := known[t.Topic]
		switch {
		case !met:
			args = append(args, t.Topic, t.Partitions, t.ID)
		case was.Partitions != t.Partitions:
			err = errors.Join(err, fmt.Errorf("%w: %s has %d partitions and had %d; growing a topic is a runbook in docs/operations.md", ErrTopology, t.Topic, t.Partitions, was.Partitions))
		case was.ID != t.ID:
			err = errors.Join(err, fmt.Errorf("%w: %s was deleted and created again (id %s, was %s)", ErrTopology, t.Topic, t.ID, was.ID))
		}
	}
	if err == nil {
		tx.Bulk(`INSERT INTO topics (name, partitions, topic_id)`, 3, `ON CONFLICT (name) DO NOTHING`, args)
	}
	if err != nil {
		tx.Rollback(err)
		return err
	}
	return tx.Commit(ctx)
}
