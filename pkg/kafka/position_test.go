package kafka_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/store"
)

func change(t *testing.T, db *store.DB, query string, args ...any) {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Exec(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func one(t *testing.T, db *store.DB, query string, args ...any) (v string) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStoredPositionOverridesTheGroupOffset(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]int64{"the group is behind": 0, "the group is ahead": 3} {
		t.Run(name, func(t *testing.T) {
			_, s := broker(t)
			createTopics(t, s, "caller.events")
			c := newCaller(t, s)
			db := open(t, dbPath(t))
			m := start(t, s, "a", db, options{})
			c.say("hall")
			eventually(t, "the first is heard", func() bool { return heard(t, db, "hall") == "0" })
			m.stop()
			for range 3 {
				c.say("hall")
			}
			p := partitionOf(t, "hall")
			commitOffset(t, s, p, offset)
			start(t, s, "a", db, options{})
			eventually(t, "the rest is heard", func() bool { return heard(t, db, "hall") == "0 1 2 3" })
			if got := one(t, db, `SELECT count(*) FROM inbox`); got != "4" {
				t.Errorf("inbox holds %s ids, want 4", got)
			}
		})
	}
}

// commitOffset puts the group's own offset somewhere else.
func commitOffset(t *testing.T, s kafka.Settings, partition int32, offset int64) {
	t.Helper()
	client, err := sarama.NewClient(s.Brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	m, err := sarama.NewOffsetManagerFromClient(s.Service, client)
	if err != nil {
		t.Fatal(err)
	}
	pm, err := m.ManagePartition("caller.events", partition)
	if err != nil {
		t.Fatal(err)
	}
	pm.MarkOffset(offset, "")
	pm.ResetOffset(offset, "")
	m.Commit()
	if err := pm.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPositionOutsideTheLogIsReportedNotReset(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	c := newCaller(t, s)
	db := open(t, dbPath(t))
	halls := names(20)
	c.say(halls...)
	lost := partitionOf(t, halls[0])
	claim := "caller.events/" + strconv.Itoa(int(lost))
	change(t, db, `INSERT INTO positions (claim, next_offset, epoch) VALUES (?, 1000, 1)`, claim)
	m := start(t, s, "a", db, options{})
	eventually(t, "it is told", func() bool {
		return strings.Contains(m.missing(), "position: stored position lies outside the log: "+claim+" is at 1000")
	})
	// The other partitions are read.
	for _, hall := range halls {
		if partitionOf(t, hall) != lost {
			eventually(t, hall+" is heard", func() bool { return heard(t, db, hall) == "0" })
		}
	}
	if got := heard(t, db, halls[0]); got != "" {
		t.Errorf("a hall of the lost partition heard %q", got)
	}
	if got := one(t, db, `SELECT next_offset FROM positions WHERE claim = ?`, claim); got != "1000" {
		t.Errorf("position is %s, want 1000", got)
	}
}

func TestChangedTopicIsReportedAndNotRead(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]string{
		"created again":        `UPDATE topics SET topic_id = 'AAAAAAAAAAAAAAAAAAAAAQ' WHERE name = 'caller.events'`,
		"of another partition": `UPDATE topics SET partitions = 12 WHERE name = 'caller.events'`,
	} {
		t.Run(name, func(t *testing.T) {
			_, s := broker(t)
			createTopics(t, s, "caller.events")
			db := open(t, dbPath(t))
			m := start(t, s, "a", db, options{})
			m.ready(t)
			m.stop()
			change(t, db, other)
			c := newCaller(t, s)
			c.say("hall")
			m = start(t, s, "a", db, options{})
			eventually(t, "it is told", func() bool { return strings.Contains(m.missing(), engine.ErrTopology.Error()) })
			if got := heard(t, db, "hall"); got != "" {
				t.Errorf("heard %q", got)
			}
		})
	}
}

func TestRecreatedTopicIsReportedAndNotRead(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	c := newCaller(t, s)
	c.say(names(8)...)
	eventually(t, "all is heard", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "8" })
	admin, err := sarama.NewClusterAdmin(s.Brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.DeleteTopic("caller.events"); err != nil {
		t.Fatal(err)
	}
	createTopics(t, s, "caller.events")
	c.say(names(8)...)
	eventually(t, "it is told", func() bool { return strings.Contains(m.missing(), "was deleted and created again") })
	if got := one(t, db, `SELECT count(*) FROM inbox`); got != "8" {
		t.Errorf("inbox holds %s ids, want 8", got)
	}
}

func TestATopicThatAppearsLaterIsRead(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{sleeper: true})
	c := newCaller(t, s)
	c.say("hall")
	eventually(t, "the topic that exists is read", func() bool { return heard(t, db, "hall") == "0" })
	eventually(t, "the absent one is told", func() bool { return strings.Contains(m.missing(), "sleeper.events not created yet") })
	createTopics(t, s, "sleeper.events")
	m.ready(t)
	publishRested(t, s, "hall")
	eventually(t, "the later one is read", func() bool { return heard(t, db, "hall") == "0 rested" })
}

// lines keeps what a member logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// deleteRecords takes the records of a partition that come before an offset.
func deleteRecords(t *testing.T, s kafka.Settings, partition int32, before int64) {
	t.Helper()
	must(t, operator(t, s).DeleteRecords("caller.events", map[int32]int64{partition: before}))
}

func TestTruncatedUnreadRecordsAreReported(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	c := newCaller(t, s)
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	c.say("hall")
	eventually(t, "the first is heard", func() bool { return heard(t, db, "hall") == "0" })
	m.stop()
	for range 3 {
		c.say("hall")
	}
	p := partitionOf(t, "hall")
	deleteRecords(t, s, p, 1) // up to where it stands: nothing is missing
	m = start(t, s, "a", db, options{})
	eventually(t, "the rest is heard", func() bool { return heard(t, db, "hall") == "0 1 2 3" })
	m.stop()
	for range 3 {
		c.say("hall")
	}
	deleteRecords(t, s, p, 6)
	m = start(t, s, "a", db, options{})
	eventually(t, "it is told", func() bool {
		return strings.Contains(m.missing(), "caller.events/"+strconv.Itoa(int(p))+" is at 4 and the log holds 6 to 7; nothing is reset by itself")
	})
	if got := heard(t, db, "hall"); got != "0 1 2 3" {
		t.Errorf("heard %q", got)
	}
	// One that comes for the first time has missed nothing that it was there for.
	fresh := s
	fresh.Service += "-fresh"
	other := open(t, dbPath(t))
	start(t, fresh, "a", other, options{}).ready(t)
	eventually(t, "the newcomer hears what is there", func() bool { return heard(t, other, "hall") == "6" })
}

func TestTheGroupsOffsetsFollowThePositions(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	start(t, s, "a", db, options{})
	c := newCaller(t, s)
	c.say(names(20)...)
	c.say(names(20)...)
	admin := operator(t, s)
	eventually(t, "tools see where the group is", func() bool {
		offsets, err := admin.ListConsumerGroupOffsets(s.Service, map[string][]int32{"caller.events": {0, 1, 2, 3}})
		if err != nil {
			return false // the embedded broker does not know a group that nobody has joined
		}
		var sum int64
		for p, block := range offsets.Blocks["caller.events"] {
			if block.Offset > 0 && strconv.FormatInt(block.Offset, 10) != one(t, db, `SELECT next_offset FROM positions WHERE claim = ?`, "caller.events/"+strconv.Itoa(int(p))) {
				return false
			}
			sum += max(block.Offset, 0)
		}
		return sum == 40
	})
}
