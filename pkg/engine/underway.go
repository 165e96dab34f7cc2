package engine

import "sync"

// underWay holds the rows that a follower has begun, so that the next reading does not
// begin them again. The follower forgets ended rows only before a reading, since an
// older reading may still hold such a row:
//
//	a reading reads row 7 ─ the batch that deletes row 7 commits, and 7 ends ─
//	the follower begins the rows of that reading
type underWay struct {
	mu    sync.Mutex
	ids   map[string]int // with their shards
	ended []string
	busy  [shards]int // the number of rows that have not ended
}

func newUnderWay() *underWay { return &underWay{ids: map[string]int{}} }

// settle forgets the ended rows, and returns the number of rows under way. It comes
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

// begin notes that a row is under way. It reports false when the row already was.
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

// end notes that the work on a row has ended. By then the table says so, or a later
// reading is to begin the row again.
func (u *underWay) end(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if shard, there := u.ids[id]; there {
		u.busy[shard]--
		u.ended = append(u.ended, id)
	}
}

// quiet reports whether no row of a shard is under way.
func (u *underWay) quiet(shard int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.busy[shard] == 0
}
