package bench

import (
	"context"
	"hash/fnv"
	"sync"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// partitions is the number of partitions of a service's topic by default.
const partitions = 12

// bus is all topics, in memory: a published record is at once with all subscribers.
type bus struct {
	mu      sync.Mutex
	next    map[string]*[partitions]int64 // offsets, by topic
	readers map[string][]*subscription    // by topic
	seen    func(r *record.Record)
}

// subscription holds the records that a service has still to read. It has no bound of its
// own: service A publishes and would wait for B, while B publishes and waits for A. The
// open orders bound it.
type subscription struct {
	mu      sync.Mutex
	waiting []*record.Record
	more    chan struct{}
}

func (b *bus) subscribe(topics []string) *subscription {
	s := &subscription{more: make(chan struct{}, 1)}
	for _, topic := range topics {
		b.readers[topic] = append(b.readers[topic], s)
	}
	return s
}

// append gives a record its place and delivers it to all subscribers.
func (b *bus) append(r record.Record) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.Key)) // a hash takes everything
	r.Partition = int32(h.Sum32() % partitions)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next[r.Topic] == nil {
		b.next[r.Topic] = new([partitions]int64)
	}
	r.Offset = b.next[r.Topic][r.Partition]
	b.next[r.Topic][r.Partition]++
	b.seen(&r)
	for _, s := range b.readers[r.Topic] {
		s.mu.Lock()
		s.waiting = append(s.waiting, &r)
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default: // it is already notified
		}
	}
}

// read calls take with every record, until ctx ends.
func (s *subscription) read(ctx context.Context, take func(r *record.Record) error) {
	for {
		s.mu.Lock()
		records := s.waiting
		s.waiting = nil
		s.mu.Unlock()
		for _, r := range records {
			copied := *r // readers share nothing, as over a wire
			if take(&copied) != nil {
				return // ctx has ended
			}
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return
		}
	}
}

// open is a producer of the bus.
func (b *bus) open() (engine.Producer, error) {
	return &publisher{b, make(chan engine.Ack, 1024)}, nil
}

type publisher struct {
	bus  *bus
	acks chan engine.Ack
}

func (p *publisher) Publish(ctx context.Context, id string, r *record.Record) {
	p.bus.append(*r)
	select {
	case p.acks <- engine.Ack{ID: id}:
	case <-ctx.Done():
	}
}

func (p *publisher) Acks() <-chan engine.Ack { return p.acks }

func (p *publisher) Close() error {
	close(p.acks)
	return nil
}
