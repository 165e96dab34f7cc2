package flowtest

import (
	"context"
	"sync"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Log is a topic log in memory: flow.Log for one producer, and everything that
// any producer published to it, in order.
type Log struct {
	mu      sync.Mutex
	records []flow.Record
	fail    func(id string) error
}

// Fail decides which records the log refuses; nil for none.
func (l *Log) Fail(fail func(id string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = fail
}

// Records returns what was published so far, copies included.
func (l *Log) Records() []flow.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]flow.Record(nil), l.records...)
}

// Open returns a producer of the log.
func (l *Log) Open() (flow.Log, error) {
	return &producer{log: l, results: make(chan flow.Published, 1024)}, nil
}

type producer struct {
	log     *Log
	results chan flow.Published
}

func (p *producer) Publish(ctx context.Context, id string, r *flow.Record) {
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
	case p.results <- flow.Published{ID: id, Err: err}:
	case <-ctx.Done():
	}
}

func (p *producer) Results() <-chan flow.Published { return p.results }

func (p *producer) Close() error {
	close(p.results)
	return nil
}
