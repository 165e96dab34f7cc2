package peer

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/quintet-eda/quintet/pkg/store"
)

// Pool lends the service's database to several goroutines. A [store.DB] has one
// connection to write with, which is all that Quintet needs; a loop per partition
// needs more, so here are several of them, opened when there is need.
type Pool struct {
	url   string
	turns chan struct{}
	first *store.DB

	mu   sync.Mutex
	idle []*store.DB
	all  []*store.DB
}

// openPool opens the first database, and sets how many there may be.
func openPool(ctx context.Context, where string, most int) (*Pool, error) {
	patient, err := url.Parse(where)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// A transaction is open while the outside world is called. The product's
	// bounds, which are those of one that only computes, would end it.
	q := patient.Query()
	q.Set("idle_in_transaction_session_timeout", "0")
	q.Set("transaction_timeout", "0")
	patient.RawQuery = q.Encode()
	p := &Pool{url: patient.String(), turns: make(chan struct{}, most)}
	if p.first, err = store.Open(ctx, p.url); err != nil {
		return nil, err
	}
	p.idle, p.all = []*store.DB{p.first}, []*store.DB{p.first}
	return p, nil
}

// Read is for those who only read.
func (p *Pool) Read() *store.Reader { return p.first.Read() }

// Do runs work in a transaction, and commits it unless work fails.
func (p *Pool) Do(ctx context.Context, work func(*store.Tx) error) error {
	db, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.give(db)
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		tx.Rollback(err)
		return err
	}
	return tx.Commit(ctx)
}

func (p *Pool) take(ctx context.Context) (*store.DB, error) {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	if last := len(p.idle) - 1; last >= 0 {
		db := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return db, nil
	}
	p.mu.Unlock()
	db, err := store.Open(ctx, p.url)
	if err != nil {
		<-p.turns
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, db)
	return db, nil
}

func (p *Pool) give(db *store.DB) {
	p.mu.Lock()
	p.idle = append(p.idle, db)
	p.mu.Unlock()
	<-p.turns
}

func (p *Pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, db := range p.all {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
