package simulation

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// shards is the number of parts that the keys are divided into, as in pkg/engine.
const shards = 12

func shardOf(key string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash takes everything
	return strconv.Itoa(int(h.Sum32() % shards))
}

// holders is the judge's record of calls and leases, as the last commit left them.
type holders struct {
	now   map[string]string // instance by shard; empty: given back
	last  map[string]lease  // that was not empty
	calls map[string]string // whether it is begun, and its attempts, by key and id of the call

	doubt map[string]bool      // instances whose last commit happened after they had given it up
	moved map[[2]string]string // the shard that went last from one instance to another
}

type lease struct {
	holder string
	epoch  int64
}

func newHolders() holders {
	return holders{now: map[string]string{}, last: map[string]lease{}, calls: map[string]string{}, doubt: map[string]bool{}, moved: map[[2]string]string{}}
}

// Every lease, and every call that is open, each in a line of its own.
const (
	leaseRows = `(SELECT group_concat(shard || char(9) || holder || char(9) || epoch, char(10)) FROM leases)`
	callRows  = `(SELECT coalesce(group_concat(key || ' ' || id || char(9) || started || ' ' || attempts, char(10)), '') FROM effects)`
)

// leases checks that a shard comes under a higher epoch when another instance takes it.
// By that epoch the writes of the first instance are refused.
func (j *judge) leases(text string) {
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		now := lease{holder: f[1]}
		now.epoch, _ = strconv.ParseInt(f[2], 10, 64) // a number of the database's
		was := j.holders.last[f[0]]
		if was.holder != "" && now.holder != "" && was.holder != now.holder && now.epoch <= was.epoch {
			j.w.violate("shard %s went from %s to %s, and its epoch from %d to %d", f[0], was.holder, now.holder, was.epoch, now.epoch)
		}
		if was.holder != "" && now.holder != "" && was.holder != now.holder {
			j.holders.move(j.w, f[0], was.holder, now.holder)
		}
		if j.holders.now[f[0]] = now.holder; now.holder != "" {
			j.holders.last[f[0]] = now
		}
	}
}

// move notes that a shard went from one instance to another.
func (h *holders) move(w *world, shard, from, to string) {
	if h.doubt[from] {
		w.seen("a lease was taken whose holder did not know what its commit had done")
	}
	if back, swapped := h.moved[[2]string{to, from}]; swapped && back != shard {
		w.seen("two instances have swapped shards")
	}
	h.moved[[2]string{from, to}] = shard
}

// calls checks the process that handles a result, or records that a mail is begun or
// that an attempt failed. It must not have lost the lease of the call's key to another
// instance.
func (j *judge) calls(by *process, text string) {
	now := map[string]string{}
	for line := range strings.Lines(text) {
		call, state, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		now[call] = state
	}
	for call, was := range j.holders.calls {
		key, id, _ := strings.Cut(call, " ")
		holder := j.holders.now[shardOf(key)]
		if now[call] != was && holder != "" && holder != by.instance {
			j.w.violate("%s wrote about the call %s of %s, whose lease %s has", by, id, key, holder)
		}
	}
	j.holders.calls = now
}

// madeAgain checks that a process makes a call of another process only once the table
// says that it may have been made. The answer that the process then gets is not the
// whole truth.
func (j *judge) madeAgain(by *process, first string, c flow.Call) {
	if strings.HasPrefix(j.holders.calls[c.Key+" "+c.ID], "0") {
		j.w.violate("%s makes the call %s of %s, and its row does not say that %s may have made it", by, c.ID, c.Key, first)
	}
}
