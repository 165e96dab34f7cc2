package kafka_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What takes an offset in the log and is nobody's to handle.

func TestAbortedRecordsAreNoLag(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	newCaller(t, s).say("hall")
	c := foreign(t, s, kgo.TransactionalID("aborted"))
	must(t, c.BeginTransaction())
	for range 50 {
		put(t, c, &kgo.Record{Key: []byte("hall"), Value: []byte("never")})
	}
	must(t, c.EndTransaction(t.Context(), kgo.TryAbort))
	noLag := func(m *member) {
		t.Helper()
		eventually(t, "there is no lag", func() bool {
			lag, err := m.consumer.Lag(t.Context())
			return err == nil && lag == 0
		})
	}
	noLag(m)
	m.stop()
	m = start(t, s, "b", db, options{}) // who comes after it knows it too
	noLag(m)
	if got := heard(t, db, "hall"); got != "0" {
		t.Errorf("heard %q", got)
	}
	newCaller(t, s).say("other hall")
	eventually(t, "it goes on", func() bool { return heard(t, db, "other hall") == "0" })
}

func TestALogEmptiedBehindAMarkLostNothing(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	c := foreign(t, s, kgo.TransactionalID("committed"))
	must(t, c.BeginTransaction())
	for range 3 {
		put(t, c, &kgo.Record{Key: []byte("hall"), Value: []byte("foreign")})
	}
	must(t, c.EndTransaction(t.Context(), kgo.TryCommit))
	p := partitionOf(t, "hall")
	claim := "caller.events/" + strconv.Itoa(int(p))
	eventually(t, "all is taken in", func() bool {
		lag, err := m.consumer.Lag(t.Context())
		return err == nil && lag == 0 && one(t, db, `SELECT coalesce(max(next_offset), 0) FROM positions WHERE claim = ?`, claim) != "0"
	})
	m.stop()
	deleteRecords(t, s, p, 4)
	m = start(t, s, "a", db, options{})
	eventually(t, "it is ready", func() bool {
		if strings.Contains(m.missing(), "position") {
			t.Fatal(m.missing())
		}
		return len(m.consumer.Missing()) == 0
	})
	newCaller(t, s).say("other hall")
	eventually(t, "it goes on", func() bool { return heard(t, db, "other hall") == "0" })
}
