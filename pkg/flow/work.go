package flow

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// work is one batch in memory: what was loaded for it, and what it will write.
// It is everything but the participant's own states, which its store keeps.
type work struct {
	now    time.Time
	inputs []*Input
	writer string        // whose batch it is, where several processes share the database
	held   [shards]int64 // the leases that it had before the batch began

	positions map[string]*position
	streams   map[string]*stream
	inbox     map[string]string // status by event id
	parked    map[lane][]int64  // rows of the lane, oldest first
	tried     map[parkedID]tried
	effects   map[string]bool   // rows that still wait for a result
	timers    map[timerID]int64 // due time of rows that are running
	commands  map[string]answered
	epochs    map[int]int64   // of the leases that results were made under, as they are now
	created   map[string]bool // keys whose stream was made to be locked

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
	writer      string // who put something out last
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
		positions: map[string]*position{}, streams: map[string]*stream{}, inbox: map[string]string{}, parked: map[lane][]int64{}, tried: map[parkedID]tried{},
		effects: map[string]bool{}, timers: map[timerID]int64{}, commands: map[string]answered{},
		epochs: map[int]int64{}, created: map[string]bool{},
		done: outputs{inbox: map[string]string{}, timers: map[timerID]*timerRow{}},
	}
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
