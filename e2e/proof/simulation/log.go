package simulation

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// partitions of each topic.
const partitions = 2

// topics are the logs in memory. A record that was appended stays. Records from before
// the simulation are deleted: no process can read below the first offset.
type topics struct {
	first int64
	logs  map[string][partitions][]record.Record
	grown chan struct{} // closed by the next append
}

func newTopics(first int64) *topics {
	return &topics{first: first, logs: map[string][partitions][]record.Record{}, grown: make(chan struct{})}
}

func partitionOf(key string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash takes everything
	return int32(h.Sum32() % partitions)
}

// append adds a record to its key's partition.
func (l *topics) append(r record.Record) {
	r.Partition = partitionOf(r.Key)
	log := l.logs[r.Topic]
	r.Offset = l.end(r.Topic, r.Partition)
	log[r.Partition] = append(log[r.Partition], r)
	l.logs[r.Topic] = log
	close(l.grown)
	l.grown = make(chan struct{})
}

// at returns the record at an offset, if it is there yet.
func (l *topics) at(topic string, partition int32, offset int64) (record.Record, bool) {
	if offset < l.first || offset >= l.end(topic, partition) {
		return record.Record{}, false
	}
	return l.logs[topic][partition][offset-l.first], true
}

// end is the offset of the next record.
func (l *topics) end(topic string, partition int32) int64 {
	return l.first + int64(len(l.logs[topic][partition]))
}

// all are the records of a topic, partition by partition.
func (l *topics) all(topic string) (rs []record.Record) {
	for _, log := range l.logs[topic] {
		rs = append(rs, log...)
	}
	return rs
}

// producer is one process's connection to the log. It may refuse a record, or append it
// twice. An acknowledgement may be lost or come twice.
type producer struct {
	w       *world
	p       *process
	acks    chan engine.Ack
	answers sync.WaitGroup
}

func (p *process) openLog() (engine.Producer, error) {
	if err := p.w.wait(p, "open log", ""); err != nil {
		return nil, err
	}
	if p.w.strikes(p.w.faults.open) {
		return nil, errBroker
	}
	return &producer{w: p.w, p: p, acks: make(chan engine.Ack, 1024)}, nil
}

var errBroker = errors.New("broker cannot be reached")

// Publish implements [engine.Producer].
func (l *producer) Publish(_ context.Context, id string, r *record.Record) {
	if l.w.wait(l.p, "publish", id) != nil {
		return
	}
	if !l.w.judge.committed[id] {
		l.w.violate("%s was published before it was committed", id)
	}
	w := l.w
	switch w.way(w.faults.publish) {
	case 0: // refused
		w.seen("a record was refused by the broker")
		l.answer(id, errBroker)
		return
	case 1: // appended, and the answer says otherwise
		w.seen("an acknowledgement was lost")
		w.topics.append(*r)
		l.answer(id, errBroker)
		return
	case 2:
		w.seen("a record was appended twice")
		w.topics.append(*r)
	case 3:
		w.seen("an acknowledgement came twice")
		l.answer(id, nil)
	}
	if l.p.frozenOnce {
		w.seen("a process that had been frozen published")
	}
	w.tell("append %s %s number %s", id, r.Key, header(*r, "ce_sequence"))
	w.topics.append(*r)
	l.answer(id, nil)
}

// answer acknowledges a record, some time later.
func (l *producer) answer(id string, err error) {
	l.answers.Go(func() {
		if l.w.wait(l.p, "acknowledge", id) == nil {
			l.acks <- engine.Ack{ID: id, Err: err}
		}
	})
}

// Acks implements [engine.Producer].
func (l *producer) Acks() <-chan engine.Ack { return l.acks }

// Close implements [engine.Producer].
func (l *producer) Close() error {
	l.answers.Wait()
	if !l.p.gone() {
		if err := l.w.wait(l.p, "producer closes", ""); err != nil {
			l.w.tell("%s dies closing", l.p)
		}
	}
	close(l.acks)
	return nil
}

// consume reads a partition into a process until the process is gone, or has noticed
// that the partition has another owner.
func (p *process) consume(ctx context.Context, c *engine.Assignment, move int, mine func() bool) {
	next := c.Start
	for {
		if p.w.wait(p, "consume", fmt.Sprintf("%s/%d (%d)", c.Topic, c.Partition, move)) != nil {
			return
		}
		select {
		case <-c.Fenced():
			if mine() {
				p.w.seen("an owner was overtaken by a claim that came late, and claimed again")
				go p.w.group.take(p, []partition{{c.Topic, c.Partition}})
				return
			}
		default:
		}
		if !mine() {
			if p.w.calm || p.w.chance(3) {
				return // it has noticed
			}
			p.w.seen("a consumer went on reading a partition that was another's")
		}
		if next < p.w.topics.first {
			p.w.violate("%s reads %s/%d from %d, and it begins at %d", p, c.Topic, c.Partition, next, p.w.topics.first)
			return
		}
		r, there := p.w.topics.at(c.Topic, c.Partition, next)
		if !there {
			select {
			case <-p.w.topics.grown:
			case <-c.Fenced():
				if !mine() {
					return
				}
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				return
			}
			continue
		}
		if !p.w.strikes(p.w.faults.redeliver) { // else it is fetched twice
			next++
		}
		if err := p.engine.Enqueue(ctx, c, &r); err != nil {
			return
		}
	}
}
