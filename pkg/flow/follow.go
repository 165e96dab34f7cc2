package flow

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// followUp decides who does what follows a commit, and hands it over: to this
// process's relay, effect workers and timers, or to the instance that holds the
// key's shard. Where the database is this process's alone it holds every shard.
//
// What another process committed is read from the tables, by key. Within a key
// the order of commits is kept, though they come on two ways: a hand-over in
// memory is for a key of which this process put out the last things too, and of
// which nothing is still to be read.
//
//	A commits k's event 7 and tells B ─ B commits 8 ─ B publishes 8 ─ B hears of 7
//
// B finds A's name in the row of k that it locked, so it reads k's rows instead,
// and finds 7 and 8. The same goes for 9, which B commits before it has read. The
// name is of who put something out last: a batch of B that only takes note of an
// input leaves A's, or 9 would follow B's own name, and go out before 7.
type followUp[S any] struct {
	e       *Engine[S]
	shared  bool
	process string    // names this process to the others
	writer  string    // names it in the rows that it writes; renewed after a commit of unknown outcome
	leases  leases    // as the database says
	heard   time.Time // when the database last took this instance's word

	mu      sync.Mutex
	epochs  [shards]int64       // of the shards that are held; 0: not held
	taking  [shards]int         // held, and what came before is not read yet: the number of the request to read it
	asks    int                 // counts those requests
	asked   map[string]struct{} // keys whose rows are to be read
	reading map[string]struct{} // keys whose rows are being read
	fresh   map[string]struct{} // calls that this process asked for while it held their shard, to be read yet
	alone   bool                // no other instance was alive at the last look
	untold  message             // for the other instances
	toRead  chan struct{}
	toTell  chan struct{}
}

func newFollowUp[S any](e *Engine[S]) *followUp[S] {
	f := &followUp[S]{
		e: e, shared: e.DB.Shared(), process: uuid.NewString(),
		asked: map[string]struct{}{}, reading: map[string]struct{}{}, fresh: map[string]struct{}{}, toRead: make(chan struct{}, 1), toTell: make(chan struct{}, 1),
	}
	f.leases = leases{db: e.DB, instance: e.Instance, process: f.process}
	if !f.shared {
		for shard := range f.epochs {
			f.epochs[shard] = 1
		}
	}
	return f
}

// holds reports whether this process does what follows for a key.
func (f *followUp[S]) holds(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.epochs[shardOf(key)] != 0
}

// holding are the epochs of the shards that are held.
func (f *followUp[S]) holding() [shards]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.epochs
}

// after hands over what a batch committed.
func (f *followUp[S]) after(w *work) {
	if !f.shared {
		f.e.relay.add(w.done.records, nil, w.done.published) // every shard is held for ever
		f.e.effects.add(w.done.effects, 1)
		f.e.timers.add(w.done.timers)
		return
	}
	here := f.sort(w)
	f.e.Turns.next("sorted", "")
	var records []outgoing
	for _, r := range w.done.records {
		if here[r.Key] != 0 {
			records = append(records, r)
		}
	}
	f.e.relay.add(records, here, w.done.published)
	for _, c := range w.done.effects {
		if epoch := here[c.Key]; epoch != 0 {
			f.e.effects.add([]effectCall{c}, epoch)
		}
	}
	timers := map[timerID]*timerRow{}
	for id, row := range w.done.timers {
		if here[id.key] != 0 {
			timers[id] = row
		}
	}
	f.e.timers.add(timers)
}

// sort returns the epochs of those keys whose rows are handed over in memory.
// The others are asked for, or told to the other instances.
func (f *followUp[S]) sort(w *work) (here map[string]int64) {
	here = map[string]int64{}
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range w.done.keys() {
		shard := shardOf(key)
		epoch := f.epochs[shard]
		_, asked := f.asked[key]
		_, reading := f.reading[key]
		switch {
		case epoch == 0:
			f.untold.Keys = append(f.untold.Keys, key)
			signal(f.toTell)
		case f.taking[shard] != 0 || asked || reading || epoch != w.held[shard] || !w.last(key, f.writer):
			f.asked[key] = struct{}{}
			signal(f.toRead)
		default:
			here[key] = epoch
		}
	}
	for i := range w.done.effects {
		c := &w.done.effects[i]
		if shard := shardOf(c.Key); here[c.Key] == 0 && f.epochs[shard] != 0 && f.epochs[shard] == w.held[shard] {
			f.fresh[c.ID] = struct{}{} // held since before the commit, so nobody else can have made it
		}
	}
	return here
}

// keys are those of which a batch has put out anything.
func (o *outputs) keys() map[string]struct{} {
	keys := map[string]struct{}{}
	for i := range o.records {
		keys[o.records[i].Key] = struct{}{}
	}
	for i := range o.effects {
		keys[o.effects[i].Key] = struct{}{}
	}
	for id := range o.timers {
		keys[id.key] = struct{}{}
	}
	return keys
}

// last reports whether the process was the last that put something out for a key
// before this batch, or nobody had.
func (w *work) last(key, process string) bool {
	s := w.streams[key]
	return s == nil || s.writer == "" || s.writer == process
}

// settled reports whether nothing is still to be read here.
func (f *followUp[S]) settled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)+len(f.reading) == 0 && f.taking == [shards]int{}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already, and will look after this
	}
}

// message is what one instance tells the others, once per commit.
type message struct {
	From    string   `json:"from"`              // a process
	Keys    []string `json:"keys,omitempty"`    // have something to be done
	Changed []string `json:"changed,omitempty"` // keys whose states changed
}
