package engine

import "sync"

// underWay is what a follower has begun, so that the next reading does not begin
// it again. What has ended is forgotten only before a reading, for an older one may
// still have its row:
//
//	row 7 is read ─ the batch that deletes row 7 commits, and 7 ends ─ what was read is begun
type underWay struct {
	mu    sync.Mutex
	ids   map[string]int // with their shards
	ended []string
	busy  [shards]int // how many have not ended
}

func newUnderWay() *underWay { return &underWay{ids: map[string]int{}} }

// settle forgets what has ended, and returns how many are under way. It comes
// before each reading.
func (u *underWay) settle() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range u.ended {
		delete(u.ids, id)
	}
	u.ended = u.ended[:0]
	return len(u.ids)
}

// begin reports whether a row that was read is to be begun.
func (u *underWay) begin(id, key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, already := u.ids[id]; already {
		return false
	}
	shard := shardOf(key)
	u.ids[id] = shard
	u.busy[shard]++
	return true
}

// end notes that a row's work has ended, as the table says by now.
func (u *underWay) end(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if shard, there := u.ids[id]; there {
		u.busy[shard]--
		u.ended = append(u.ended, id)
	}
}

// quiet reports whether nothing of a shard is under way.
func (u *underWay) quiet(shard int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.busy[shard] == 0
}
