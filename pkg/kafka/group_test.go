package kafka_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/kafka"
)

func TestWhatIsSaidIsHeardAndEchoed(t *testing.T) {
	t.Parallel()
	_, s := broker(t, t.TempDir(), 0)
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

func TestTheOthersTakeOverQuicklyWhenAMemberLeaves(t *testing.T) {
	t.Parallel()
	_, s := broker(t, t.TempDir(), 0)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t)) // both write to one, as instances with a database server do
	a := start(t, s, "a", db, options{})
	a.ready(t)
	var assigned lines
	b := start(t, s, "b", db, options{log: &assigned})
	eventually(t, "both read", func() bool { return assigned.has(`"partitions":2,`) && len(a.consumer.Missing()) == 0 })
	b.ready(t)
	c := newCaller(t, s)
	halls := names(20)
	c.say(halls...)
	eventually(t, "all is heard", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "20" })
	a.stop()
	left := time.Now()
	c.say(halls...)
	eventually(t, "the other hears all", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "40" })
	took := time.Since(left)
	t.Logf("taken over within %v", took)
	if took > 5*time.Second {
		t.Errorf("took over after %v; a member that leaves must not be waited for", took)
	}
}

func TestNothingIsLostOrReorderedWhenTheBrokerRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cluster, s := broker(t, dir, 0)
	port := portOf(t, cluster)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	m.ready(t)
	c := newCaller(t, s)
	halls := names(10)
	log, err := kafka.Open(s) // one producer through all restarts
	if err != nil {
		t.Fatal(err)
	}
	const rounds, each = 3, 200
	n := 0
	for range rounds {
		for range each {
			hall := halls[n%len(halls)]
			value, dataSchema, err := c.codec.Encode(Said{}.EventType(), Said{Hall: hall, N: int64(n / len(halls))})
			if err != nil {
				t.Fatal(err)
			}
			id := fmt.Sprintf("id-%d", n)
			log.Publish(t.Context(), id, &flow.Record{Topic: "caller.events", Key: hall, Value: value, Headers: []flow.Header{
				{Name: "ce_id", Value: id}, {Name: "ce_type", Value: Said{}.EventType()}, {Name: "ce_dataschema", Value: dataSchema},
			}})
			n++
			if n%each == each/2 { // while records are under way, and echoes
				cluster.Close()
				cluster, _ = broker(t, dir, port)
			}
		}
	}
	for range n {
		if p := <-log.Results(); p.Err != nil {
			t.Fatalf("record %s: %v", p.ID, p.Err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	want := ""
	for i := range rounds * each / len(halls) {
		want += " " + strconv.Itoa(i)
	}
	for _, hall := range halls {
		eventually(t, hall+" is heard in order", func() bool { return len(heard(t, db, hall)) >= len(want)-1 })
		if got := heard(t, db, hall); " "+got != want {
			t.Errorf("%s heard %s", hall, got)
		}
	}
	eventually(t, "the outbox is empty", func() bool { return one(t, db, `SELECT count(*) FROM outbox`) == "0" })
	m.stop()
	t.Logf("copies: %d", echoesInOrder(t, s, n))
}

// TestMemberProcess is no test: it is the member that the next one kills.
func TestMemberProcess(t *testing.T) {
	address := os.Getenv("TEST_MEMBER_BROKER")
	if address == "" {
		t.Skip("runs as a process of another test")
	}
	s := kafka.Settings{Brokers: []string{address}, Service: "echo", Partitions: partitions, Replication: 1}
	start(t, s, "a", open(t, os.Getenv("TEST_MEMBER_DB")), options{changed: func(keys []string) { fmt.Println("heard", strings.Join(keys, " ")) }})
	select {}
}

func TestAKilledMemberIsBackWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	_, s := broker(t, t.TempDir(), 0)
	createTopics(t, s, "caller.events")
	c := newCaller(t, s)
	path := dbPath(t)
	run := func() (kill func(), hears func(what string)) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMemberProcess$", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), "TEST_MEMBER_BROKER="+s.Brokers[0], "TEST_MEMBER_DB="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		kill = func() {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		}
		t.Cleanup(kill)
		return kill, func(what string) {
			for lines.Scan() {
				if strings.Contains(lines.Text(), what) {
					return
				}
			}
			t.Fatalf("the member ended before it heard %s", what)
		}
	}
	kill, hears := run()
	c.say("first")
	hears("first")
	for range 3 {
		kill()
		c.say("again")
		began := time.Now()
		kill, hears = run()
		hears("again")
		took := time.Since(began)
		t.Logf("the first record after a kill was handled %v after the start", took)
		if took > 2*time.Second {
			t.Errorf("back after %v", took)
		}
	}
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

func TestAStopIsBoundedWhileTheBrokerSaysNothing(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	m := start(t, kafka.Settings{Brokers: []string{silent.Addr().String()}, Service: "echo", Partitions: 1, Replication: 1}, "a", open(t, dbPath(t)), options{})
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	m.stop()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("stop took %v", took)
	}
	if missing := m.missing(); !strings.Contains(missing, "broker") {
		t.Errorf("missing: %q", missing)
	}
}
