package flow

import (
	"context"
	"log/slog"
	"sync"

	"github.com/quintet-eda/quintet/pkg/store"
)

// Log is where events are published. It has two forms: a broker's producer,
// and the in-memory log of tests.
type Log interface {
	// Publish sends a record, in the order of calls for each key. It waits
	// while too much is under way, at most until ctx ends; it does not say
	// whether the record arrived.
	Publish(ctx context.Context, id string, r *Record)
	// Results tells of every record that was published: acknowledged by the
	// broker, or failed for good. It is closed by Close.
	Results() <-chan Published
	// Close waits for what is under way and ends the log.
	Close() error
}

// Published tells what became of one record.
type Published struct {
	ID  string
	Err error
}

// outgoing is an outbox row.
type outgoing struct {
	ID      string
	Topic   string
	Key     string
	Seq     int64
	Headers []Header
	Value   []byte
}

// relay publishes what is committed. The outbox rows are the durable record;
// what is handed over in memory is a hint that spares reading them.
//
// Order per key: rows are handed over in the order of their commits, and a row
// goes out once its predecessor of the same topic and key is acknowledged.
// Handing them to a producer together would not do: one that gives up a row
// goes on with those behind it.
//
//	publish row 7 ─ publish row 8 ─ 7 is refused ─ 8 arrives ─ 7 is published again
//
// Where the chain could break (a start, a commit of unknown outcome, a failed
// publish) everything that is not acknowledged is read from the table, key by
// key in the order of its sequence, and published again by a new producer.
// Consumers absorb the copies.
type relay struct {
	db    *store.DB
	open  func() (Log, error)
	log   *slog.Logger
	m     *Metrics
	turns Turns

	mu        sync.Mutex
	queue     []outgoing          // handed over and not yet published
	behind    map[lane][]outgoing // topic and key of a row under way, and the rows that wait behind it
	flying    map[string]lane     // rows under way, by id
	freed     []outgoing          // rows that waited and may go now
	known     map[string]int      // ids that are queued, under way, or acknowledged and not yet deleted, with their shards
	gone      departed
	acked     []string // acknowledged, to be deleted by the next batch
	holding   func() [shards]int64
	reloading bool
	late      []outgoing // handed over while the table was being read
	before    int        // how many rows were known before that
	woken     chan struct{}

	reloads chan struct{} // full while the table is read: one reading at a time
}

func newRelay[S any](c Config[S], holding func() [shards]int64) *relay {
	return &relay{
		db: c.DB, open: c.OpenLog, log: c.Log, m: c.Metrics, turns: c.Turns, holding: holding,
		known: map[string]int{}, behind: map[lane][]outgoing{}, flying: map[string]lane{}, woken: make(chan struct{}, 1), reloads: make(chan struct{}, 1),
	}
}

// run publishes until ctx ends. Each round has a producer of its own; it ends
// when a record failed for good, and the next one starts from the table.
func (r *relay) run(ctx context.Context) {
	delay := r.turns.newDelay()
	for ctx.Err() == nil {
		log, err := r.opened(ctx)
		if err == nil {
			if r.round(ctx, log) {
				delay = r.turns.newDelay()
			}
			for err = r.restart(ctx); err != nil && ctx.Err() == nil; err = r.restart(ctx) {
				r.log.Warn("cannot read what is to be published; trying again", "error", err)
				r.turns.pause(ctx, delay, "relay")
			}
		} else if ctx.Err() == nil {
			r.log.Warn("cannot publish; trying again", "error", err)
		}
		r.turns.pause(ctx, delay, "relay")
	}
}

// opened opens a producer, but does not wait for one longer than ctx: a broker
// that accepts connections and says nothing must not hold up a stop.
func (r *relay) opened(ctx context.Context) (Log, error) {
	type result struct {
		log Log
		err error
	}
	opened := make(chan result, 1)
	go func() {
		log, err := r.open()
		opened <- result{log, err}
	}()
	select {
	case o := <-opened:
		r.turns.next("log opened", "")
		return o.log, o.err
	case <-ctx.Done():
		go func() {
			if o := <-opened; o.err == nil {
				_ = o.log.Close() // nothing was published with it
			}
		}()
		return nil, ctx.Err()
	}
}

// round publishes with one producer. It reports whether anything arrived.
func (r *relay) round(ctx context.Context, log Log) (arrived bool) {
	failed := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		for p := range log.Results() {
			r.turns.next("result", p.ID)
			if p.Err != nil {
				select {
				case failed <- p.Err:
				default: // one failure ends the round
				}
				signal(r.woken)
				continue
			}
			arrived = true
			r.acknowledge(p.ID)
		}
	})
	err := r.feed(ctx, log, failed)
	if cerr := log.Close(); err == nil {
		err = cerr
	}
	reading.Wait()
	r.turns.next("round ends", "")
	if err != nil {
		r.m.rounds.Inc()
		r.log.Warn("producer failed; publishing again from the outbox", "error", err)
	}
	return arrived
}

func (r *relay) feed(ctx context.Context, log Log, failed <-chan error) error {
	for {
		for _, row := range r.take() {
			if len(failed) > 0 {
				break
			}
			log.Publish(ctx, row.ID, &Record{Topic: row.Topic, Key: row.Key, Value: row.Value, Headers: row.Headers})
		}
		select {
		case err := <-failed:
			return err
		default:
		}
		if r.turns.await(ctx, r.woken, nil, "publish", "") == ended {
			return nil
		}
	}
}

// take returns the rows that may be published now.
func (r *relay) take() []outgoing {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := r.freed
	r.freed = nil
	for _, row := range r.queue {
		l := lane{row.Topic, row.Key}
		if waiting, busy := r.behind[l]; busy && row.Key != "" {
			r.behind[l] = append(waiting, row)
			continue
		}
		r.behind[l] = nil
		r.flying[row.ID] = l
		rows = append(rows, row)
	}
	r.queue = nil
	return rows
}

func (r *relay) acknowledge(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked = append(r.acked, id)
	l, flying := r.flying[id]
	if !flying {
		return // told twice
	}
	delete(r.flying, id)
	waiting := r.behind[l]
	if len(waiting) == 0 {
		delete(r.behind, l)
		return
	}
	r.behind[l] = waiting[1:]
	r.flying[waiting[0].ID] = l
	r.freed = append(r.freed, waiting[0])
	signal(r.woken)
}

// restart forgets what was queued and under way, and reads it from the table
// again. What the broker acknowledged stays known, so it is not read back.
// Hand-overs are held back from before the queue is emptied, so that none
// gets in front of what the table still holds.
func (r *relay) restart(ctx context.Context) error {
	r.mu.Lock()
	r.reloading, r.before = true, max(r.before, len(r.known))
	r.queue, r.freed = nil, nil
	clear(r.behind)
	clear(r.flying)
	before := r.known
	r.known = make(map[string]int, len(r.acked))
	for _, id := range r.acked {
		r.known[id] = before[id]
	}
	r.mu.Unlock()
	return r.reload(ctx)
}
