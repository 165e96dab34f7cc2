package flow

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/store"
)

// work is one batch in memory: what was loaded for it, and what it will write.
// It is everything but the participant's own states, which its store keeps.
type work struct {
	now    time.Time
	inputs []*Input

	positions map[string]*position
	streams   map[string]*stream
	inbox     map[string]string // status by event id
	parked    map[lane][]int64  // rows of the lane, oldest first
	effects   map[string]bool   // rows that still wait for a result
	timers    map[timerID]int64 // due time of rows that are running
	commands  map[string]answered

	done outputs
}

type position struct {
	claim string
	next  int64
	epoch int64
	dirty bool
}

// timerID names a timer: one of a name per key.
type timerID struct{ key, name string }

func (t timerID) String() string { return t.name + "/" + t.key }

type answered struct{ digest, reply string }

// stream is the kit's own state of a key.
type stream struct {
	key         string
	emitted     int64
	made        int64
	seen        map[string]int64
	correlation string
	tenant      string
	dirty       bool
}

// outputs are what a batch writes besides states; once it is committed they
// are handed to the relay, the effect workers and the timers.
type outputs struct {
	inbox      map[string]string
	records    []outgoing
	published  []string // outbox rows to delete: the broker has them
	effects    []effectCall
	started    []string // at-most-once calls that may be made from here on
	notStarted []string // those that certainly were not made
	finished   []string // effects whose result was taken in
	timers     map[timerID]*timerRow
	parked     []parkedRow
	unparked   []parkedID
	commands   []commandRow
	handled    []handled
}

func newWork(now time.Time, inputs []*Input) *work {
	return &work{
		now: now, inputs: inputs,
		positions: map[string]*position{}, streams: map[string]*stream{}, inbox: map[string]string{}, parked: map[lane][]int64{},
		effects: map[string]bool{}, timers: map[timerID]int64{}, commands: map[string]answered{},
		done: outputs{inbox: map[string]string{}, timers: map[timerID]*timerRow{}},
	}
}

// load reads the kit's rows that the batch is about, in the lock order that
// every batch of every instance keeps: positions, then keys, then the rest.
func (w *work) load(ctx context.Context, tx *store.Tx) error {
	var claims, events, effects, timers, commands []string
	asked := map[*Claim]bool{} // a batch has many records of few partitions
	ask := func(c *Claim) {
		if c != nil && !asked[c] {
			asked[c] = true
			claims = append(claims, c.key())
		}
	}
	for _, in := range w.inputs {
		ask(in.claim)
		for _, c := range in.claims {
			ask(c)
		}
		switch {
		case in.Kind == KindEvent:
			events = append(events, in.ID)
		case in.effectID != "":
			effects = append(effects, in.effectID)
		case in.Kind == KindTimer:
			timers = append(timers, timerID{in.Key, in.Name}.String())
		case in.command != nil && in.command.key != "":
			commands = append(commands, in.command.key)
		}
	}
	keys := Keys(w.inputs)
	sort.Strings(keys)
	for _, step := range []struct {
		keys []string
		load func(context.Context, *store.Tx, string) error
	}{
		{claims, w.loadPositions},
		{keys, w.loadStreams},
		{events, w.loadInbox},
		{keys, w.loadParked},
		{effects, w.loadEffects},
		{timers, w.loadTimers},
		{commands, w.loadCommands},
	} {
		if len(step.keys) == 0 {
			continue
		}
		if err := step.load(ctx, tx, store.Keys(step.keys)); err != nil {
			return err
		}
	}
	return nil
}

type scanner = func(dst ...any) error

func (w *work) loadPositions(ctx context.Context, tx *store.Tx, claims string) error {
	return tx.Each(ctx, func(scan scanner) error {
		var p position
		if err := scan(&p.claim, &p.next, &p.epoch); err != nil {
			return err
		}
		w.positions[p.claim] = &p
		return nil
	}, `SELECT claim, next_offset, epoch FROM positions WHERE claim IN ({keys}) ORDER BY claim {lock}`, claims)
}

func (w *work) loadStreams(ctx context.Context, tx *store.Tx, keys string) error {
	return tx.Each(ctx, func(scan scanner) error {
		s := stream{seen: map[string]int64{}}
		var seen string
		if err := scan(&s.key, &s.emitted, &s.made, &seen, &s.correlation, &s.tenant); err != nil {
			return err
		}
		s.readSeen(seen)
		w.streams[s.key] = &s
		return nil
	}, `SELECT key, emitted, made, seen, correlation, tenant FROM streams WHERE key IN ({keys}) ORDER BY key {lock}`, keys)
}

func (w *work) loadInbox(ctx context.Context, tx *store.Tx, ids string) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id, status string
		if err := scan(&id, &status); err != nil {
			return err
		}
		w.inbox[id] = status
		return nil
	}, `SELECT id, status FROM inbox WHERE id IN ({keys})`, ids)
}

func (w *work) loadParked(ctx context.Context, tx *store.Tx, keys string) error {
	return tx.Each(ctx, func(scan scanner) error {
		var l lane
		var n int64
		if err := scan(&l.source, &l.key, &n); err != nil {
			return err
		}
		w.parked[l] = append(w.parked[l], n)
		return nil
	}, `SELECT lane, key, n FROM parked WHERE key IN ({keys}) ORDER BY n`, keys)
}

func (w *work) loadEffects(ctx context.Context, tx *store.Tx, ids string) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		w.effects[id] = true
		return nil
	}, `SELECT id FROM effects WHERE id IN ({keys})`, ids)
}

func (w *work) loadTimers(ctx context.Context, tx *store.Tx, ids string) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id timerID
		var due int64
		if err := scan(&id.key, &id.name, &due); err != nil {
			return err
		}
		w.timers[id] = due
		return nil
	}, `SELECT key, name, due FROM timers WHERE id IN ({keys})`, ids)
}

func (w *work) loadCommands(ctx context.Context, tx *store.Tx, ids string) error {
	return tx.Each(ctx, func(scan scanner) error {
		var id string
		var a answered
		if err := scan(&id, &a.digest, &a.reply); err != nil {
			return err
		}
		w.commands[id] = a
		return nil
	}, `SELECT id, digest, reply FROM commands WHERE id IN ({keys})`, ids)
}

// stream returns the kit's state of a key, new when the key is.
func (w *work) stream(key string) *stream {
	s := w.streams[key]
	if s == nil {
		s = &stream{key: key, seen: map[string]int64{}}
		w.streams[key] = s
	}
	return s
}

// next numbers what a key makes: effects and parked inputs, in their order.
func (s *stream) next() int64 {
	s.made++
	s.dirty = true
	return s.made
}

// see notes an owner's sequence. It reports an inversion: a sequence below one
// seen before, on an event whose id is new.
func (s *stream) see(owner string, seq int64) (inverted bool) {
	if seq == 0 {
		return false
	}
	if seq < s.seen[owner] {
		return true
	}
	s.seen[owner] = seq
	s.dirty = true
	return false
}

func (s *stream) readSeen(text string) {
	for _, pair := range strings.Fields(text) {
		owner, seq, _ := strings.Cut(pair, "=")
		s.seen[owner], _ = strconv.ParseInt(seq, 10, 64) // written by writeSeen
	}
}

func (s *stream) writeSeen() string {
	owners := make([]string, 0, len(s.seen))
	for owner, seq := range s.seen {
		owners = append(owners, fmt.Sprintf("%s=%d", owner, seq))
	}
	sort.Strings(owners)
	return strings.Join(owners, " ")
}
