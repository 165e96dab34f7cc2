package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/record"
)

// batch is one batch in memory: the rows that were loaded for it, and the rows that
// it will write. The participant's own states are not part of it: the participant's
// store keeps them.
type batch struct {
	now    time.Time
	inputs []*input
	shared bool // other processes may write to the database

	positions map[string]*position
	keys      map[string]*keyState
	inbox     map[string]*inboxRow
	heads     map[lane]parkedHead // of parked lanes
	calls     map[string]bool     // rows that still wait for a result
	timers    map[string]int64    // due times of the running timers
	replies   map[string]*reply   // to earlier commands
	epochs    map[int]int64       // current epoch of each shard that the batch checks
	created   map[string]bool     // keys whose row the batch inserted to lock it
	claimed   map[string]bool     // idempotency keys, likewise

	out     writes
	letters int // dead letters among its records
}

type position struct {
	partition  string
	next       int64
	generation int64
	dirty      bool
}

// inboxRow is the inbox entry of a consumed event.
type inboxRow struct{ id, status, digest string }

// forVersionBefore is the digest of an entry that only the version before reads.
const forVersionBefore = "before"

// reply is the answer to a command. Each repeat receives it.
type reply struct{ id, digest, text string }

// parkedHead is the oldest row of a parked lane. Once it is handled in this
// batch, n is 0 and after names it.
type parkedHead struct {
	n, after int64
	attempts int
	dead     int
}

// keyState is the engine's own state of a key.
type keyState struct {
	key         string
	emitted     int64 // sequence of the last event emitted
	made        int64 // number of the last call or parked input
	seenText    string
	seen        map[string]int64 // the highest sequence by owner
	correlation string
	tenant      string
	dirty       bool
}

// writes are the rows that a batch writes besides the participant's states.
type writes struct {
	inbox     map[string]*inboxRow
	records   []*outgoing
	published []outgoing // outbox rows to delete: the broker acknowledged them
	refused   []outgoing // outbox rows that are set aside until they are due
	calls     []*call
	retries   []call   // failed attempts
	started   []string // at-most-once calls that may be made after the commit
	finished  []string // calls whose result was consumed
	timers    map[string]*timer
	parked    []*parkedRow
	postponed []parkedRow // heads that could not be tried
	unparked  []parkedID
	replies   map[string]*reply
	results   []result
	probe     bool // the batch only tests whether the database accepts a write
}

func newBatch(now time.Time, inputs []*input) *batch {
	return &batch{
		now: now, inputs: inputs,
		positions: map[string]*position{}, keys: map[string]*keyState{}, inbox: map[string]*inboxRow{}, heads: map[lane]parkedHead{},
		calls: map[string]bool{}, timers: map[string]int64{}, replies: map[string]*reply{},
		epochs: map[int]int64{}, created: map[string]bool{}, claimed: map[string]bool{},
		out: writes{inbox: map[string]*inboxRow{}, timers: map[string]*timer{}, replies: map[string]*reply{}},
	}
}

// key returns the engine's state of a key, and adds one for a new key.
func (b *batch) key(key string) *keyState {
	k := b.keys[key]
	if k == nil {
		k = &keyState{key: key, seen: map[string]int64{}}
		b.keys[key] = k
	}
	return k
}

// next returns the number of a key's next call or parked input, in their order. The
// numbers follow the clock while it goes forward. The follower then reads the calls of
// all keys in the order in which reactions asked for them.
func (k *keyState) next(now time.Time) int64 {
	k.made = max(k.made+1, now.UnixMicro())
	k.dirty = true
	return k.made
}

// see records an owner's sequence. It reports whether the event is out of order: its
// sequence is below one seen before, and its id is new.
func (k *keyState) see(owner string, seq int64) (outOfOrder bool) {
	if seq == 0 {
		return false
	}
	if seq < k.seen[owner] {
		return true
	}
	k.seen[owner] = seq
	k.dirty = true
	return false
}

func (k *keyState) readSeen() {
	k.seen = map[string]int64{}
	for _, pair := range strings.Fields(k.seenText) {
		owner, seq, _ := strings.Cut(pair, "=")
		k.seen[owner], _ = strconv.ParseInt(seq, 10, 64) // written by writeSeen
	}
}

func (k *keyState) writeSeen() {
	owners := slices.Sorted(maps.Keys(k.seen))
	for i, owner := range owners {
		owners[i] = fmt.Sprintf("%s=%d", owner, k.seen[owner])
	}
	k.seenText = strings.Join(owners, " ")
}

// follow returns the trace of an input's outputs. An event is the cause of its outputs.
// A result and a timer pass on the id of the event that asked for them. The outputs of
// a command have no causation id.
func (k *keyState) follow(in *input) record.Trace {
	t := in.Trace
	if in.eventID != "" {
		t.CausationID = in.eventID
	}
	if t.CorrelationID == "" {
		t.CorrelationID = k.correlation
	}
	if t.Tenant == "" {
		t.Tenant = k.tenant
	}
	return t
}
