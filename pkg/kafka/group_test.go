package kafka_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/kafka"
)

func TestWhatIsSaidIsHeardAndEchoed(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	m.ready(t)
	c := newCaller(t, s)
	halls := names(30)
	for range 5 {
		c.say(halls...)
	}
	for _, hall := range halls {
		eventually(t, hall+" is heard", func() bool { return heard(t, db, hall) == "0 1 2 3 4" })
	}
	eventually(t, "there is no lag", func() bool {
		lag, err := m.consumer.Lag(t.Context())
		return err == nil && lag == 0
	})
	m.stop()
	echoesInOrder(t, s, 150)
}

// A claim that was made before its own and committed after it: the group knows
// nothing of that, so its member has to ask the group once more.
func TestAMemberWhoseClaimWasOvertakenClaimsAgain(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	m.ready(t)
	c := newCaller(t, s)
	halls := names(8)
	c.say(halls...)
	eventually(t, "all is heard", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "8" })

	var late []*engine.Assignment
	for p := range int32(partitions) {
		late = append(late, &engine.Assignment{Topic: "caller.events", Partition: p, Commit: func(int64) {}})
	}
	must(t, m.engine.OnAssigned(t.Context(), late))
	c.say(halls...)
	eventually(t, "all is heard again", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "16" })
}

// The same, once the partition is read without the client.
func TestAClaimReadWithoutTheClientIsClaimedAgain(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	foreignAt(t, s, 1, kgo.GzipCompression())(zeros(20, 1<<20)...)
	eventually(t, "the batch is taken in", func() bool { return one(t, db, `SELECT count(*) FROM parked`) == "20" })
	late := &engine.Assignment{Topic: "caller.events", Partition: 1, Commit: func(int64) {}}
	must(t, m.engine.OnAssigned(t.Context(), []*engine.Assignment{late}))
	halls := names(20)
	newCaller(t, s).say(halls...)
	for _, hall := range halls {
		eventually(t, hall+" is heard", func() bool { return heard(t, db, hall) == "0" })
	}
}

// echoesInOrder checks that the echoes are there, each hall's in order by first
// appearance.
func echoesInOrder(t *testing.T, s kafka.Settings, want int) (copies int) {
	t.Helper()
	next, seen := map[string]int64{}, map[string]bool{}
	for _, m := range read(t, s, "echo.events", want) {
		var id string
		var seq int64
		for _, h := range m.Headers {
			switch string(h.Key) {
			case "ce_id":
				id = string(h.Value)
			case "ce_sequence":
				seq, _ = strconv.ParseInt(string(h.Value), 10, 64)
			}
		}
		if seen[id] {
			copies++
			continue
		}
		seen[id] = true
		if next[string(m.Key)]++; seq != next[string(m.Key)] {
			t.Errorf("%s: sequence %d appears as number %d", m.Key, seq, next[string(m.Key)])
		}
	}
	if len(seen) != want {
		t.Errorf("echoes: got %d, want %d", len(seen), want)
	}
	return copies
}

func TestMembersRebalanceOnJoinAndLeave(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t)) // both write to one, as instances with a database server do
	a := start(t, s, "a", db, options{})
	a.ready(t)
	var assigned lines
	joined := time.Now()
	b := start(t, s, "b", db, options{log: &assigned})
	eventually(t, "both read", func() bool { return assigned.has(`"partitions":2,`) && len(a.consumer.Missing()) == 0 })
	b.ready(t)
	t.Logf("a second member took its share within %v", time.Since(joined))
	c := newCaller(t, s)
	halls := names(20)
	c.say(halls...)
	eventually(t, "all is heard", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "20" })
	a.stop()
	left := time.Now()
	groups, err := operator(t, s).DescribeConsumerGroups([]string{s.Service})
	must(t, err)
	if n := len(groups[0].Members); n != 1 {
		t.Errorf("the group has %d members; one that leaves must not be waited for", n)
	}
	c.say(halls...)
	eventually(t, "the other hears all", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "40" })
	t.Logf("taken over within %v", time.Since(left))
}

func TestMemberWithoutPartitionStandsReady(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	s.Partitions = 1
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	var assigned lines
	a := start(t, s, "a", db, options{log: &assigned})
	a.ready(t)
	b := start(t, s, "b", db, options{log: &assigned})
	eventually(t, "one of them has none", func() bool { return assigned.has(`"partitions":0,`) })
	a.ready(t)
	b.ready(t)
	c := newCaller(t, s)
	halls := names(5)
	c.say(halls...)
	eventually(t, "all is heard", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "5" })
	a.stop()
	c.say(halls...)
	eventually(t, "the other takes over", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "10" })
}

func TestTwoGroupsReadWithoutRegardToEachOther(t *testing.T) {
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	db, otherDB := open(t, dbPath(t)), open(t, dbPath(t))
	other := s
	other.Service += "-other"
	m := start(t, s, "a", db, options{})
	start(t, other, "a", otherDB, options{}) // of the same name, in its own group
	c := newCaller(t, s)
	c.say("hall")
	eventually(t, "one hears it", func() bool { return heard(t, db, "hall") == "0" })
	eventually(t, "the other hears it", func() bool { return heard(t, otherDB, "hall") == "0" })
	m.stop()
	c.say("hall")
	eventually(t, "the one that runs hears it", func() bool { return heard(t, otherDB, "hall") == "0 1" })
	if got := heard(t, db, "hall"); got != "0" {
		t.Errorf("one that was stopped heard %q", got)
	}
	start(t, s, "a", db, options{})
	eventually(t, "it hears the rest when it is back", func() bool { return heard(t, db, "hall") == "0 1" })
}

// publishRested publishes an event of the sleeper.
func publishRested(t *testing.T, s kafka.Settings, hall string) {
	t.Helper()
	codec := flowtest.Codec(t, contract(), "sleeper")
	value, dataSchema, err := codec.Encode(Rested{}.EventType(), Rested{Hall: hall})
	if err != nil {
		t.Fatal(err)
	}
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer(s.Brokers, config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: "sleeper.events", Key: sarama.StringEncoder(hall), Value: sarama.ByteEncoder(value), Headers: []sarama.RecordHeader{
		{Key: []byte("ce_id"), Value: []byte("rested")}, {Key: []byte("ce_type"), Value: []byte(Rested{}.EventType())}, {Key: []byte("ce_dataschema"), Value: []byte(dataSchema)},
	}}); err != nil {
		t.Fatal(err)
	}
}
