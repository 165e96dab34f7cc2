package kafka_test

import (
	"context"
	"log/slog"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
)

// A member can only be paused as a process, and two processes do not share a
// database file. So the process that is paused has only the consumer; its
// engine stays with the test, and they talk over a socket.

// Session is what one assignment is asked with, and Starts its answer.
type (
	Session struct {
		N      int
		Claims []engine.Assignment
	}
	Delivery struct {
		Session int
		Record  record.Record
	}
	Passed struct {
		Session   int
		Topic     string
		Partition int32
		Next      int64
	}
)

// Engine is the test's end.
type Engine struct {
	engine *engine.Engine[hall]

	mu        sync.Mutex
	sessions  []map[string]*engine.Assignment
	delivered []int // records of each session
}

func claimName(topic string, partition int32) string {
	return topic + "/" + strconv.Itoa(int(partition))
}

func (e *Engine) CheckTopics(found []engine.TopicInfo, _ *struct{}) error {
	return e.engine.CheckTopics(context.Background(), found)
}

func (e *Engine) OnAssigned(asked []engine.Assignment, got *Session) error {
	claims, byName := make([]*engine.Assignment, len(asked)), map[string]*engine.Assignment{}
	for i, c := range asked {
		c.Commit = func(int64) {}
		claims[i] = &c
		byName[claimName(c.Topic, c.Partition)] = &c
	}
	if err := e.engine.OnAssigned(context.Background(), claims); err != nil {
		return err
	}
	for _, c := range claims {
		got.Claims = append(got.Claims, engine.Assignment{Topic: c.Topic, Partition: c.Partition, Start: c.Start})
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	got.N = len(e.sessions)
	e.sessions, e.delivered = append(e.sessions, byName), append(e.delivered, 0)
	return nil
}

func (e *Engine) Enqueue(d Delivery, _ *struct{}) error {
	e.mu.Lock()
	c := e.sessions[d.Session][claimName(d.Record.Topic, d.Record.Partition)]
	e.delivered[d.Session]++
	e.mu.Unlock()
	return e.engine.Enqueue(context.Background(), c, &d.Record)
}

func (e *Engine) Advance(p Passed, _ *struct{}) error {
	e.mu.Lock()
	c := e.sessions[p.Session][claimName(p.Topic, p.Partition)]
	e.mu.Unlock()
	return e.engine.Advance(context.Background(), c, p.Next)
}

// held returns how many partitions the latest session has, and its number.
func (e *Engine) held() (partitions, session int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.sessions) == 0 {
		return 0, -1
	}
	return len(e.sessions[len(e.sessions)-1]), len(e.sessions) - 1
}

func (e *Engine) deliveredIn(session int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.delivered[session]
}

// deliverLate hands over a record that nobody has seen, with the claims of a
// session that is over, as the process would if it went on at this moment.
func (e *Engine) deliverLate(t *testing.T, session int, seen []*sarama.ConsumerMessage) {
	t.Helper()
	for _, m := range seen {
		c := e.sessions[session][claimName(m.Topic, m.Partition)]
		if c == nil {
			continue
		}
		late := &record.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset + 1000, Key: string(m.Key), Value: m.Value}
		for _, h := range m.Headers {
			late.Headers = append(late.Headers, record.Header{Name: string(h.Key), Value: strings.Replace(string(h.Value), "said-", "late-", 1)})
		}
		must(t, e.engine.Enqueue(t.Context(), c, late))
		return
	}
	t.Fatal("no record of the session's partitions")
}

// remote is the process's end.
type remote struct {
	client  *rpc.Client
	session sync.Map // of a claim
}

func (r *remote) CheckTopics(_ context.Context, found []engine.TopicInfo) error {
	return r.client.Call("Engine.CheckTopics", found, &struct{}{})
}

func (r *remote) OnAssigned(_ context.Context, claims []*engine.Assignment) error {
	ask := make([]engine.Assignment, len(claims))
	for i, c := range claims {
		ask[i] = engine.Assignment{Topic: c.Topic, Partition: c.Partition, LogStart: c.LogStart}
	}
	var got Session
	if err := r.client.Call("Engine.OnAssigned", ask, &got); err != nil {
		return err
	}
	for i, c := range claims {
		c.Start = got.Claims[i].Start
		r.session.Store(c, got.N)
	}
	return nil
}

func (r *remote) Enqueue(_ context.Context, c *engine.Assignment, record *record.Record) error {
	session, _ := r.session.Load(c)
	if err := r.client.Call("Engine.Enqueue", Delivery{session.(int), *record}, &struct{}{}); err != nil {
		return err
	}
	c.Commit(record.Offset + 1)
	return nil
}

func (r *remote) Advance(_ context.Context, c *engine.Assignment, next int64) error {
	session, _ := r.session.Load(c)
	if err := r.client.Call("Engine.Advance", Passed{session.(int), c.Topic, c.Partition, next}, &struct{}{}); err != nil {
		return err
	}
	c.Commit(next)
	return nil
}

func (r *remote) Positions(context.Context) (map[string]int64, error) { return nil, nil }

// beConsumer is what the process does that a test pauses.
func beConsumer(t *testing.T, socket string) {
	t.Helper()
	client, err := rpc.Dial("unix", socket)
	must(t, err)
	s := kafka.Settings{Brokers: []string{os.Getenv("TEST_MEMBER_BROKER")}, Service: os.Getenv("TEST_MEMBER_GROUP"), Instance: "a"}
	kafka.NewConsumer(s, &remote{client: client}, echo(false).Topics(), nil, slog.New(slog.DiscardHandler)).Run(context.Background())
}

func startConsumerProcess(t *testing.T, s kafka.Settings, e *Engine) *os.Process {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "engine")
	l, err := net.Listen("unix", socket)
	must(t, err)
	server := rpc.NewServer()
	must(t, server.Register(e))
	go server.Accept(l)
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), "TEST_CONSUMER_ENGINE="+socket, "TEST_MEMBER_BROKER="+s.Brokers[0], "TEST_MEMBER_GROUP="+s.Service)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // says that it was killed
		_ = l.Close()
	})
	return cmd.Process
}

func TestMemberPausedPastItsSessionIsFenced(t *testing.T) {
	if socket := os.Getenv("TEST_CONSUMER_ENGINE"); socket != "" {
		beConsumer(t, socket)
		return
	}
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events", "echo.events", "echo.dead-letter")
	db := open(t, dbPath(t))
	engine, stop := startEngine(t, s, db, options{})
	t.Cleanup(stop)
	a := &Engine{engine: engine}
	process := startConsumerProcess(t, s, a)
	eventually(t, "one reads all", func() bool { n, _ := a.held(); return n == partitions })
	b := start(t, s, "b", db, options{})
	eventually(t, "each reads its share", func() bool { n, _ := a.held(); return n == partitions/2 && len(b.consumer.Missing()) == 0 })
	_, session := a.held()
	c := newCaller(t, s)
	halls := names(20)
	inbox := func(want string) func() bool {
		return func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == want }
	}
	c.say(halls...)
	eventually(t, "all is heard", inbox("20"))

	must(t, process.Signal(syscall.SIGSTOP))
	paused := time.Now()
	before := a.deliveredIn(session)
	c.say(halls...) // the broker's answer reaches a process that does not look
	eventually(t, "the other has taken over", inbox("40"))
	t.Logf("taken over %v after the pause began", time.Since(paused))
	a.deliverLate(t, session, read(t, s, "caller.events", 40))
	c.say(halls...)
	eventually(t, "the other hears all", inbox("60"))
	must(t, process.Signal(syscall.SIGCONT))
	eventually(t, "it has a new session", func() bool { _, n := a.held(); return n > session })
	t.Logf("records from the session that was over: %d", a.deliveredIn(session)-before)

	c.say(halls...)
	eventually(t, "all is heard by both", inbox("80"))
	for _, hall := range halls {
		eventually(t, hall+" is heard", func() bool { return heard(t, db, hall) == "0 1 2 3" })
	}
	eventually(t, "the outbox is empty", func() bool { return one(t, db, `SELECT count(*) FROM outbox`) == "0" })
	echoesInOrder(t, s, 80)
	admin := operator(t, s)
	eventually(t, "the group's offsets are those of the owners", func() bool {
		offsets, err := admin.ListConsumerGroupOffsets(s.Service, map[string][]int32{"caller.events": {0, 1, 2, 3}})
		must(t, err)
		var sum int64
		for _, block := range offsets.Blocks["caller.events"] {
			sum += max(block.Offset, 0)
		}
		return sum == 80
	})
}
