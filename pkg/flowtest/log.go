package flowtest

import (
	"context"
	"sync"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// Log is a topic log in memory. Open returns its producers, and the log holds every
// record that any of them published, in order.
type Log struct {
	mu      sync.Mutex
	records []record.Record
	fail    func(id string) error
}

// Fail makes the log refuse the records for which fail returns an error; nil for none.
func (l *Log) Fail(fail func(id string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = fail
}

// Records returns all records published so far, copies included.
func (l *Log) Records() []record.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]record.Record(nil), l.records...)
}

// Open returns a producer of the log.
func (l *Log) Open() (engine.Producer, error) {
	return &producer{log: l, acks: make(chan engine.Ack, 1024)}, nil
}

type producer struct {
	log  *Log
	acks chan engine.Ack
}

func (p *producer) Publish(ctx context.Context, id string, r *record.Record) {
	p.log.mu.Lock()
	var err error
	if p.log.fail != nil {
		err = p.log.fail(id)
	}
	if err == nil {
		r.Offset = int64(len(p.log.records))
		p.log.records = append(p.log.records, *r)
	}
	p.log.mu.Unlock()
	select {
	case p.acks <- engine.Ack{ID: id, Err: err}:
	case <-ctx.Done():
	}
}

func (p *producer) Acks() <-chan engine.Ack { return p.acks }

func (p *producer) Close() error {
	close(p.acks)
	return nil
}
